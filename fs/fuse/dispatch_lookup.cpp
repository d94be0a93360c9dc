#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_lookup.h"

namespace cvfs {

void dispatch_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Mount& mount = mount_of(request);
  Result<Entry> found = op_lookup(mount, intent_of(request), parent, name);
  const double missing_seconds = found ? 0 : missing_timeout(mount, parent);
  if (!found && found.error().value == ENOENT && missing_seconds > 0) {
    // "No such name" is only remembered as an entry without an inode, not as an error.
    fuse_entry_param missing{};
    missing.entry_timeout = missing_seconds;
    fuse_reply_entry(request, &missing);
    return;
  }
  reply_entry(request, std::move(found));
}

void dispatch_readlink(fuse_req_t request, fuse_ino_t node) {
  const auto target = op_readlink(mount_of(request), node);
  if (!target) return reply(request, target.error());
  fuse_reply_readlink(request, target->c_str());
}

void dispatch_statfs(fuse_req_t request, fuse_ino_t node) {
  const auto status = op_statfs(mount_of(request), node);
  if (!status) return reply(request, status.error());
  fuse_reply_statfs(request, &*status);
}

}  // namespace cvfs
