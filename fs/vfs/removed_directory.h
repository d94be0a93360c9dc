// What to answer who makes, moves or removes something in a directory that others have removed,
// while the kernel still believes in it: a path may lead to another directory of that name by now.
#pragma once

#include "vfs/mount.h"

namespace cvfs {

// What to answer where something asked of a name in `directory` (`node`; and in `other`, of a
// rename) came to `error`. If the directory is gone, ENOENT (EPERM of O_TMPFILE) becomes ESTALE, so
// that the kernel looks the path up again without believing what it knows (LOOKUP_REVAL). A caller
// who comes back for the same directory, as its own working directory, gets the error itself.
Errno error_in(Mount& mount, const Intent& intent, const Caller& caller, NodeId node, Errno error,
               const File& directory, const File* other = nullptr);

}  // namespace cvfs
