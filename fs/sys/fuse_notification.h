// What a FUSE server tells the kernel unasked: that what it believes of a view is true no longer.
// Thin; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cvfs::sys {

// The inode's attributes and ACLs, and a directory's listing if `listing`. Requests that are under
// way bring nothing back. Does not wait for requests. ENOENT: the kernel does not know the inode
// (yet, or any more). ENODEV, ENOTCONN: unmounted.
Result<void> invalidate_inode(int device_fd, std::uint64_t node, bool listing);

// The message that has `name` in `parent` looked up again before it is used (Linux 6.2). To be
// written to the connection: that waits, whatever signal comes, until no request has the directory
// locked, those among them that nobody has received yet.
std::string expire_message(std::uint64_t parent, std::string_view name);

// The message that has the kernel forget these inodes with all their names, but those that are in
// use: open, somebody's working directory, mounted on, with other names in them. May wait for reads
// of these that are under way.
std::string prune_message(std::span<const std::uint64_t> nodes);
// Linux 6.18 (protocol 7.45).
bool can_prune(int device_fd);

}  // namespace cvfs::sys
