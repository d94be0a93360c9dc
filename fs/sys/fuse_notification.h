// What a FUSE server tells the kernel unasked: that what it believes of a view is true no longer.
// Thin; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cvfs::sys {

// The inode's attributes and ACLs, and a directory's listing if `listing`. Requests that are under
// way bring nothing back. Does not wait for requests. ENOENT: the kernel does not know the inode
// (yet, or any more). ENODEV, ENOTCONN: unmounted.
Result<void> invalidate_inode(int device_fd, std::uint64_t node, bool listing);

enum class EntryChange {
  kDrop,    // the name means something else, or nothing
  kExpire,  // look it up again before it is used (Linux 6.2; before, as kDrop)
};

// The message that says that `name` in `parent` has changed. To be written to the connection:
// that waits, whatever signal comes, until no request has the directory locked, those among them
// that nobody has received yet.
std::string entry_message(std::uint64_t parent, std::string_view name, EntryChange change);

// All names of the view are to be looked up again before they are used, and all directories read
// again. Never waits. EINVAL: older than Linux 6.16.
Result<void> expire_all_names(int device_fd);

}  // namespace cvfs::sys
