// Inode flags (chattr(1)) and the attributes around them (xfs_io's chattr, project ids): the ioctls
// FS_IOC_GETFLAGS, _SETFLAGS, _FSGETXATTR, _FSSETXATTR on an open file or directory. Any thread.
// ENOTTY: the filesystem has none.
#pragma once

#include <linux/fs.h>

#include <cstdint>

#include "base/result.h"

namespace cvfs::sys {

Result<std::uint32_t> inode_flags(int fd);  // FS_*_FL
Result<void> set_inode_flags(int fd, std::uint32_t flags);

Result<fsxattr> extended_inode_flags(int fd);
Result<void> set_extended_inode_flags(int fd, const fsxattr& flags);

}  // namespace cvfs::sys
