// Extended attributes of an inode behind an O_PATH descriptor: of any type, symlinks included.
// Thin over xattr(7), through /proc/self/fd. Any thread. Errors are the system calls'.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace cvfs::sys {

// ENODATA: there is none. ERANGE: `value` is too small. An empty `value` asks for the size.
Result<std::size_t> get_xattr(int path_fd, const char* name, std::span<std::byte> value);
// `flags`: XATTR_CREATE (EEXIST), XATTR_REPLACE (ENODATA) or 0.
Result<void> set_xattr(int path_fd, const char* name, std::span<const std::byte> value, int flags);
Result<void> remove_xattr(int path_fd, const char* name);
// All names, each ended by NUL, as listxattr(2) gives them.
Result<std::vector<char>> list_xattrs(int path_fd);

}  // namespace cvfs::sys
