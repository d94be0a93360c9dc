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

void dispatch_flush(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
  // Everything written is on the backing filesystem already; locks are the kernel's own.
  reply(request, Result<void>());
}

void dispatch_release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  op_release(mount_of(request), info->fh);
  reply(request, Result<void>());
}

void dispatch_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  reply_open(request, op_opendir(mount_of(request), intent_of(request), node), info);
}

}  // namespace cvfs
