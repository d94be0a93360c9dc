#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_remove.h"

namespace cvfs {

void dispatch_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply(request,
        op_unlink(mount_of(request), intent_of(request), caller_of(request), parent, name));
}

void dispatch_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply(request, op_rmdir(mount_of(request), intent_of(request), caller_of(request), parent, name));
}

void dispatch_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                     const char* new_name, unsigned flags) {
  reply(request, op_rename(mount_of(request), intent_of(request), caller_of(request), parent, name,
                           new_parent, new_name, flags));
}

}  // namespace cvfs
