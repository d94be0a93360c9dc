#include <cstring>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_flags.h"

namespace cvfs {

namespace {

void reply_done(fuse_req_t request, const Result<void>& result) {
  if (!result) return reply(request, result.error());
  fuse_reply_ioctl(request, 0, nullptr, 0);
}

template <class Value>
void reply_value(fuse_req_t request, const Result<Value>& result, std::size_t room) {
  if (!result) return reply(request, result.error());
  if (room < sizeof(Value)) return reply(request, Errno{EINVAL});
  fuse_reply_ioctl(request, 0, &*result, sizeof(Value));
}

template <class Value>
bool take(Value& value, const void* data, std::size_t size) {
  if (size < sizeof value) return false;
  std::memcpy(&value, data, sizeof value);
  return true;
}

}  // namespace

// These four, which the kernel itself asks for on behalf of chattr(1) and its like, and no other:
// what an ioctl does to the backing file would be done with our rights. libfuse gives it nine
// arguments. NOLINTNEXTLINE(readability-function-size)
void dispatch_ioctl(fuse_req_t request, fuse_ino_t, unsigned command, void*, fuse_file_info* info,
                    unsigned, const void* data, std::size_t size, std::size_t room) {
  Mount& mount = mount_of(request);
  std::uint32_t flags = 0;
  fsxattr extended{};
  switch (command) {
    case FS_IOC_GETFLAGS:
      return reply_value(request, op_get_flags(mount, info->fh), room);
    case FS_IOC_FSGETXATTR:
      return reply_value(request, op_get_extended_flags(mount, info->fh), room);
    case FS_IOC_SETFLAGS:
      if (!take(flags, data, size)) return reply(request, Errno{EINVAL});
      return reply_done(request, op_set_flags(mount, caller_of(request), info->fh, flags));
    case FS_IOC_FSSETXATTR:
      if (!take(extended, data, size)) return reply(request, Errno{EINVAL});
      return reply_done(request,
                        op_set_extended_flags(mount, caller_of(request), info->fh, extended));
    default:
      return reply(request, Errno{ENOTTY});
  }
}

}  // namespace cvfs
