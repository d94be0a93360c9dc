// Making: create, tmpfile, mkdir, mknod, symlink, link. Any thread. All of them: EOVERFLOW for a
// caller whose uid or gid is outside the view's maps, EACCES for one who comes too late to a fresh
// volume.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"
#include "vfs/op_open.h"

namespace cvfs {

struct CreatedEntry {
  Entry entry;
  OpenedFile opened;
};

// `flags` are open(2)'s. Without O_EXCL a file that exists already is opened if it is plainly the
// caller's own. Any other is ESTALE: the kernel then looks it up again and opens it with the checks
// that an existing file deserves, which a reply to CREATE would bypass.
Result<CreatedEntry> op_create(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                               const char* name, int flags, mode_t mode);

// O_TMPFILE: a file without a name.
Result<CreatedEntry> op_tmpfile(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                                int flags, mode_t mode);

Result<Entry> op_mkdir(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, mode_t mode);
// EPERM: a device. It would be the tenant's on the host's disk. (0:0, overlayfs' whiteout, is
// none.)
Result<Entry> op_mknod(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, mode_t mode, dev_t device);
Result<Entry> op_symlink(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                         const char* name, const char* target);
Result<Entry> op_link(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                      NodeId new_parent, const char* new_name);

}  // namespace cvfs
