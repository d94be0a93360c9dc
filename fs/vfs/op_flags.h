// chattr(1): the inode flags behind FS_IOC_GETFLAGS, _SETFLAGS, _FSGETXATTR and _FSSETXATTR. The
// kernel has checked that the caller owns the file, and CAP_LINUX_IMMUTABLE (of the host: no
// container in a user namespace has it) where immutable or append-only change. Any thread.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// ENOTTY: the backing filesystem has none. EBADF: no such handle.
Result<std::uint32_t> op_get_flags(Mount& mount, HandleId handle);
Result<fsxattr> op_get_extended_flags(Mount& mount, HandleId handle);

// EPERM: a change of immutable, append-only or project inheritance by any but the host's root, or
// of the project id by anybody (quotas are the host's business). EOPNOTSUPP: a change of what is no
// business of a container: encryption, casefolding, verity, data journalling, extent sizes …
Result<void> op_set_flags(Mount& mount, const Caller& caller, HandleId handle, std::uint32_t flags);
Result<void> op_set_extended_flags(Mount& mount, const Caller& caller, HandleId handle,
                                   const fsxattr& flags);

}  // namespace cvfs
