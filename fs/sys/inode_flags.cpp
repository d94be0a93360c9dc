#include "sys/inode_flags.h"

#include <sys/ioctl.h>

namespace cvfs::sys {

// Their names say long, but what they read and write is an int (ioctl_iflags(2)).
Result<std::uint32_t> inode_flags(int fd) {
  std::uint32_t flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return last_error();
  return flags;
}

Result<void> set_inode_flags(int fd, std::uint32_t flags) {
  return succeeded(::ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

Result<fsxattr> extended_inode_flags(int fd) {
  fsxattr flags{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &flags) < 0) return last_error();
  return flags;
}

Result<void> set_extended_inode_flags(int fd, const fsxattr& flags) {
  return succeeded(::ioctl(fd, FS_IOC_FSSETXATTR, &flags));
}

}  // namespace cvfs::sys
