#include "vfs/groupless_setgid.h"

#include <sys/stat.h>

namespace cvfs {

Result<GrouplessSetgid> GrouplessSetgid::of(Mount& mount, const Caller& caller, NodeId node,
                                            const File& file) {
  GrouplessSetgid bit;
  const Attributes attributes = TRY(describe(mount, node, file));
  const FileStatus& status = attributes.status;
  bit.is_set_ = status.is_regular() && (status.mode & (S_ISGID | S_IXGRP)) == S_ISGID;
  bit.is_kept_ = bit.is_set_ && (is_root(mount, caller) || is_in_group(caller, attributes.gid));
  return bit;
}

Result<void> GrouplessSetgid::settle(Mount& mount, NodeId node, const File& file) const {
  if (!is_set_) return {};
  const mode_t mode = TRY(describe(mount, node, file)).status.mode & sys::kPermissionBits;
  const mode_t wanted = is_kept_ ? mode | S_ISGID : mode & ~static_cast<mode_t>(S_ISGID);
  if (mode == wanted) return {};
  return mount.owners->set_mode(file, wanted);
}

}  // namespace cvfs
