// Deleting a tenant's tree. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/operator_error.h"

namespace cvfs {

// Deletes the entry `name` of the directory and all that is in it. No symlink is followed, no other
// filesystem entered, and a tree may be as deep as it likes: what is in it may be of the worst
// will. Returns how many entries there were. Refused: something cannot be deleted (immutable,
// mounted); the rest is gone, and it can be called again.
Outcome<std::uint64_t> purge(int directory_fd, const std::string& name, const std::string& path);

}  // namespace cvfs
