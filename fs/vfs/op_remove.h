// Removing and renaming: unlink, rmdir, rename. Any thread.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// Of both, and of op_rename(): ESTALE: the directory is gone (vfs/removed_directory.h).
Result<void> op_unlink(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name);
Result<void> op_rmdir(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                      const char* name);

// `flags`: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. EINVAL: not known to the backing.
Result<void> op_rename(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, NodeId new_parent, const char* new_name, unsigned flags);

}  // namespace cvfs
