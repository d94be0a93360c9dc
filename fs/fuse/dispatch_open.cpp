#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_open.h"

namespace cvfs {

void dispatch_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  const bool keep_setid = !request_kills_setid();
  reply_open(request,
             op_open(mount_of(request), intent_of(request), caller_of(request), node, info->flags,
                     keep_setid),
             info);
}

void dispatch_flush(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  // Everything written is on the backing filesystem already.
  Mount& mount = mount_of(request);
  if (mount.locks) mount.locks->close(node, info->fh, info->lock_owner);
  reply(request, Result<void>());
}

void dispatch_release(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  // Before the handle goes: it keeps the file open.
  Mount& mount = mount_of(request);
  if (mount.locks) mount.locks->release(node, info->fh);
  op_release(mount_of(request), info->fh);
  reply(request, Result<void>());
}

void dispatch_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  reply_open(request, op_opendir(mount_of(request), intent_of(request), node), info);
}

}  // namespace cvfs
