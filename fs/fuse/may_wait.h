// Which of the requests that are sent again others need not wait for. Any thread.
#pragma once

#include <cstddef>
#include <span>

namespace cvfs {

// May the request in `message` wait or take long, for a lease or a disk, while others go on? Not if
// it asks on disk whether an earlier process had made its change, for others would change the
// answer: who makes or removes a name, an xattr, or appends. (Who truncates asks as well, but
// before it waits.)
bool may_wait(std::span<const std::byte> message);

}  // namespace cvfs
