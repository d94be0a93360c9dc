#include "fuse/may_wait.h"

#include <fcntl.h>
#include <linux/fuse.h>

#include <algorithm>
#include <array>

#include "fuse/message.h"

namespace cvfs {

namespace {

// Of <linux/fuse.h> since protocol 7.45: what Linux 6.18 sends for copy_file_range(2).
constexpr auto kCopyFileRange64 = static_cast<fuse_opcode>(53);

constexpr std::array kMayWait = {
    FUSE_LOOKUP,     FUSE_GETATTR,    FUSE_SETATTR,     FUSE_OPEN,      FUSE_OPENDIR,
    FUSE_READ,       FUSE_READDIR,    FUSE_READDIRPLUS, FUSE_FLUSH,     FUSE_FSYNC,
    FUSE_FSYNCDIR,   FUSE_STATFS,     FUSE_READLINK,    FUSE_FALLOCATE, FUSE_COPY_FILE_RANGE,
    FUSE_GETXATTR,   FUSE_LSEEK,      FUSE_LISTXATTR,   FUSE_IOCTL,     FUSE_RELEASE,
    FUSE_RELEASEDIR, kCopyFileRange64};

bool appends(std::span<const std::byte> message) {
  return (part_at<fuse_write_in>(message, sizeof(fuse_in_header)).flags & O_APPEND) != 0;
}

}  // namespace

bool may_wait(std::span<const std::byte> message) {
  const auto opcode = static_cast<fuse_opcode>(part_at<fuse_in_header>(message, 0).opcode);
  if (opcode == FUSE_WRITE) return !appends(message);
  return std::ranges::find(kMayWait, opcode) != kMayWait.end();
}

}  // namespace cvfs
