#include <fcntl.h>

#include <span>
#include <vector>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_io.h"

namespace cvfs {

namespace {

void reply_count(fuse_req_t request, const Result<std::size_t>& count) {
  if (!count) return reply(request, count.error());
  fuse_reply_write(request, *count);
}

}  // namespace

void dispatch_read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset,
                   fuse_file_info* info) {
  thread_local std::vector<std::byte> buffer;
  if (buffer.size() < size) buffer.resize(size);
  const auto got = op_read(mount_of(request), info->fh, std::span(buffer).first(size), offset);
  if (!got) return reply(request, got.error());
  fuse_reply_buf(request, reinterpret_cast<const char*>(buffer.data()), *got);
}

void dispatch_write(fuse_req_t request, fuse_ino_t, const char* data, std::size_t size,
                    off_t offset, fuse_file_info* info) {
  reply_count(request, op_write(mount_of(request), intent_of(request), caller_of(request), info->fh,
                                std::as_bytes(std::span(data, size)), offset,
                                (info->flags & O_APPEND) != 0, !request_kills_setid()));
}

void dispatch_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
  reply(request, op_fsync(mount_of(request), info->fh, data_only != 0));
}

void dispatch_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                        fuse_file_info* info) {
  reply(request,
        op_fallocate(mount_of(request), caller_of(request), info->fh, mode, offset, length));
}

void dispatch_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence,
                    fuse_file_info* info) {
  const auto position = op_lseek(mount_of(request), info->fh, offset, whence);
  if (!position) return reply(request, position.error());
  fuse_reply_lseek(request, *position);
}

// libfuse gives it nine arguments. NOLINTNEXTLINE(readability-function-size)
void dispatch_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset,
                              fuse_file_info* from_info, fuse_ino_t, off_t to_offset,
                              fuse_file_info* to_info, std::size_t length, int) {
  reply_count(request, op_copy_file_range(mount_of(request), caller_of(request), from_info->fh,
                                          from_offset, to_info->fh, to_offset, length));
}

}  // namespace cvfs
