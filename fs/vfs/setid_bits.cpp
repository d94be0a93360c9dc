#include "vfs/setid_bits.h"

#include <sys/stat.h>

namespace cvfs {

Result<SetidBits> SetidBits::of(Mount& mount, const Caller& caller, NodeId node, const File& file,
                                bool keep_setid) {
  SetidBits bits;
  if (keep_setid && !mount.owners->has_virtual_modes()) return bits;
  const Attributes attributes = TRY(describe(mount, node, file));
  if (!attributes.status.is_regular()) return bits;
  const mode_t mode = attributes.status.mode;
  if (keep_setid) {
    bits.kept_ = mode & (S_ISUID | S_ISGID);
  } else if ((mode & (S_ISGID | S_IXGRP)) == S_ISGID) {
    const bool keeps = is_root(mount, caller) || is_in_group(caller, attributes.gid);
    (keeps ? bits.kept_ : bits.lost_) = S_ISGID;
  }
  return bits;
}

Result<void> SetidBits::settle(Mount& mount, NodeId node, const File& file) const {
  if ((kept_ | lost_) == 0) return {};
  const mode_t mode = TRY(describe(mount, node, file)).status.mode & sys::kPermissionBits;
  const mode_t wanted = (mode | kept_) & ~lost_;
  if (mode == wanted) return {};
  return mount.owners->set_mode(file, wanted);
}

}  // namespace cvfs
