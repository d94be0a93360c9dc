// Access checks of owner=caller, which the kernel cannot make: it keeps one owner an inode, and
// there everybody has their own. The owner's bits count for whoever has a container id; others'
// bits for who has none, and for all on files that are not the tenant's. Container root and host
// root pass as roots do. Any thread.
#pragma once

#include <optional>

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// `mask`: R_OK, W_OK, X_OK (search, for a directory). EACCES.
Result<void> check_access(Mount& mount, const Caller& caller, NodeId node, int mask);

// EACCES: may not change entries of the directory. EPERM: it is sticky, and not the caller's.
Result<void> check_removal(Mount& mount, const Caller& caller, NodeId directory);

// The same of both directories; EACCES also: a directory that gets another one above it, and that
// the caller may not write. ENOENT: there is nothing at `name`, or at `new_name` to exchange.
Result<void> check_rename(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                          NodeId new_parent, const char* new_name, unsigned flags);

// What only the owner may: chmod, setting a time. EPERM.
Result<void> check_owner(Mount& mount, const Caller& caller, NodeId node);

// chown: roots may give a file to anybody (it has no effect); anybody else only to themselves and
// their groups. EPERM.
Result<void> check_chown(Mount& mount, const Caller& caller, NodeId node,
                         std::optional<HostUid> uid, std::optional<HostGid> gid);

}  // namespace cvfs
