#include "vfs/op_lookup.h"

#include <cstring>

namespace cvfs {

Result<Entry> op_lookup(Mount& mount, Intent& intent, NodeId parent, const char* name) {
  // Only a file handle makes the kernel ask for these; they would lead out of the tree at its root.
  if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) return fail(ESTALE);
  const PinnedFile directory = TRY(mount.pin(parent));
  return introduce(mount, intent, TRY(mount.store->look_up(*directory, name)), parent, name);
}

Result<std::string> op_readlink(Mount& mount, NodeId node) {
  return mount.store->read_link(*TRY(mount.pin(node)));
}

Result<struct statvfs> op_statfs(Mount& mount, NodeId node) {
  return mount.store->filesystem_status(*TRY(mount.pin(node)));
}

}  // namespace cvfs
