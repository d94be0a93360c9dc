#include "vfs/removed_directory.h"

#include "vfs/mount.h"

namespace cvfs {

Errno error_in(Mount& mount, const Caller& caller, NodeId node, const File& directory,
               Errno error) {
  // ext4 says EPERM to O_TMPFILE.
  if (error.value != ENOENT && error.value != EPERM) return error;
  const auto status = mount.store->status(directory);
  const bool is_gone = status && status->link_count == 0;
  return is_gone && mount.asked_again.is_first(node, caller.pid) ? Errno{ESTALE} : error;
}

}  // namespace cvfs
