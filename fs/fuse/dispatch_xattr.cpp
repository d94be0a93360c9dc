#include <linux/limits.h>

#include <span>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_xattr.h"

namespace cvfs {

namespace {

// The protocol of getxattr(2) and listxattr(2): size 0 asks how long it is.
template <class Bytes>
void reply_sized(fuse_req_t request, const Result<Bytes>& value, std::size_t size) {
  if (!value) return reply(request, value.error());
  if (size == 0) {
    fuse_reply_xattr(request, value->size());
  } else if (value->size() > size) {
    reply(request, Errno{ERANGE});
  } else {
    fuse_reply_buf(request, reinterpret_cast<const char*>(value->data()), value->size());
  }
}

}  // namespace

void dispatch_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
  reply_sized(request, op_getxattr(mount_of(request), node, name), size);
}

void dispatch_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value,
                       std::size_t size, int flags) {
  reply(request, op_setxattr(mount_of(request), intent_of(request), caller_of(request), node, name,
                             std::as_bytes(std::span(value, size)), flags, !request_kills_setid()));
}

void dispatch_removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  reply(request, op_removexattr(mount_of(request), intent_of(request), node, name));
}

void dispatch_listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size) {
  reply_sized(request, op_listxattr(mount_of(request), caller_of(request), node), size);
}

}  // namespace cvfs
