#include "vfs/op_remove.h"

#include "vfs/claim.h"

namespace cvfs {

Result<void> op_unlink(Mount& mount, NodeId parent, const char* name) {
  return mount.store->unlink(*TRY(mount.pin(parent)), name);
}

Result<void> op_rmdir(Mount& mount, NodeId parent, const char* name) {
  return mount.store->remove_directory(*TRY(mount.pin(parent)), name);
}

Result<void> op_rename(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                       NodeId new_parent, const char* new_name, unsigned flags) {
  const PinnedFile from = TRY(mount.pin(parent));
  const PinnedFile to = TRY(mount.pin(new_parent));
  NewFile whiteout;
  if ((flags & RENAME_WHITEOUT) != 0) {
    whiteout = TRY(mount.owners->new_file(caller, *from, S_IFCHR));
  }
  Claim claim = TRY(Claim::begin(mount, caller, new_parent, to));
  TRY(mount.store->rename(*from, name, *to, new_name, flags, whiteout));
  claim.settle();
  return {};
}

}  // namespace cvfs
