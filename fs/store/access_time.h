// When the kernel moves an access time. Pure; any thread.
#pragma once

#include <sys/statvfs.h>

#include <ctime>

#include "sys/file.h"

namespace cvfs {

// Does reading a directory with this status at `now` move its access time? `mount_flags`: those of
// statvfs(3). The rule of relatime is the kernel's (fs/inode.c, relatime_need_update()).
bool listing_moves_time(unsigned long mount_flags, const sys::FileStatus& status, std::time_t now);

}  // namespace cvfs
