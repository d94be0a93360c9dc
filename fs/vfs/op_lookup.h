// Finding: lookup, readlink, statfs. Any thread.
#pragma once

#include <sys/statvfs.h>

#include <string>

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// ENOENT: no such name (a reply that the kernel may cache).
Result<Entry> op_lookup(Mount& mount, Intent& intent, NodeId parent, const char* name);
Result<std::string> op_readlink(Mount& mount, NodeId node);
Result<struct statvfs> op_statfs(Mount& mount, NodeId node);

}  // namespace cvfs
