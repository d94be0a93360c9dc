#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_create.h"

namespace cvfs {

namespace {

void reply_created(fuse_req_t request, Result<CreatedEntry> created, fuse_file_info* info) {
  if (!created) return reply(request, created.error());
  reply_create(request, std::move(created->entry), std::move(created->opened), info);
}

}  // namespace

void dispatch_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                     fuse_file_info* info) {
  reply_created(request,
                op_create(mount_of(request), intent_of(request), caller_of(request), parent, name,
                          info->flags, mode),
                info);
}

void dispatch_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, fuse_file_info* info) {
  reply_created(request,
                op_tmpfile(mount_of(request), intent_of(request), caller_of(request), parent,
                           info->flags, mode),
                info);
}

void dispatch_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  reply_entry(request, op_mkdir(mount_of(request), intent_of(request), caller_of(request), parent,
                                name, mode));
}

void dispatch_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    dev_t device) {
  reply_entry(request, op_mknod(mount_of(request), intent_of(request), caller_of(request), parent,
                                name, mode, device));
}

void dispatch_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  reply_entry(request, op_symlink(mount_of(request), intent_of(request), caller_of(request), parent,
                                  name, target));
}

void dispatch_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent,
                   const char* new_name) {
  reply_entry(request, op_link(mount_of(request), intent_of(request), caller_of(request), node,
                               new_parent, new_name));
}

}  // namespace cvfs
