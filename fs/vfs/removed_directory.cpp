#include "vfs/removed_directory.h"

namespace cvfs {

namespace {

bool is_gone(Mount& mount, const File& directory) {
  const auto status = mount.store->status(directory);
  return status && status->link_count == 0;
}

}  // namespace

Errno error_in(Mount& mount, const Intent& intent, const Caller& caller, NodeId node, Errno error,
               const File& directory, const File* other) {
  // ext4 says EPERM to O_TMPFILE.
  if (error.value != ENOENT && error.value != EPERM) return error;
  if (!is_gone(mount, directory) && (other == nullptr || !is_gone(mount, *other))) return error;
  const auto record = mount.inodes.find(node);
  if (!record) return error;
  const std::uint64_t incarnation = node << 32 | (*record)->generation;  // of the number
  const bool is_first = mount.asked_again->is_first(incarnation, caller.pid, intent.request());
  return is_first ? Errno{ESTALE} : error;
}

}  // namespace cvfs
