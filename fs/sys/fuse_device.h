// /dev/fuse: opening and mounting it, and the ioctls for passthrough. The kernel's protocol is that
// of <linux/fuse.h>; what Debian 12's header is too old to name is named here. Any thread.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

// Flags of FUSE_INIT (64 bits: flags and flags2) newer than Linux 6.1's header.
inline constexpr std::uint64_t kFuseInitPassthrough = 1ULL << 37;
inline constexpr std::uint64_t kFuseInitNoExport = 1ULL << 38;
inline constexpr std::uint64_t kFuseInitHasResend = 1ULL << 39;

// The ioctls of /dev/fuse for passthrough (struct fuse_backing_map), since Linux 6.9.
inline constexpr unsigned long kIoctlBackingOpen = _IOW(229, 1, std::uint64_t[2]);
inline constexpr unsigned long kIoctlBackingClose = _IOW(229, 2, std::uint32_t);

// Set in a request's number when the kernel sends it again (FUSE_UNIQUE_RESEND).
inline constexpr std::uint64_t kFuseUniqueResend = 1ULL << 63;

// ENOENT, ENODEV, ENXIO: no FUSE in this kernel (modprobe fuse).
Result<UniqueFd> open_fuse_device();

// mount(2) of type fuse.cvfs with allow_other. `source` is what /proc/self/mounts shows; `flags`
// are MS_*; `kernel_checks_access`: default_permissions.
Result<void> mount_fuse(int device_fd, const std::string& source, const std::string& target,
                        unsigned long flags, bool kernel_checks_access);

// Asks the kernel to send again what was read from the connection and not answered. EINVAL, ENOSYS:
// a kernel older than 6.9.
Result<void> request_resend(int device_fd);

// Registers what `fd` (O_PATH will do) refers to for passthrough. The kernel keeps this thread's
// credentials and opens the file with them whenever it is opened through the view.
// EPERM: no CAP_SYS_ADMIN. ELOOP: the backing is a stacked filesystem. ENOTTY, EINVAL: a kernel
// without passthrough.
Result<std::int32_t> open_backing(int device_fd, int fd);
void close_backing(int device_fd, std::int32_t backing_id);

// The number of the connection: the minor number of the mount's st_dev, and its name in
// /sys/fs/fuse/connections. ENODATA: older than Linux 6.16, or not mounted. Any thread.
Result<std::uint32_t> connection_number(int device_fd);

}  // namespace cvfs::sys
