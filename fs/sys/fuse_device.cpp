#include "sys/fuse_device.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "sys/mounts.h"

namespace cvfs::sys {

namespace {

// struct fuse_backing_map (include/uapi/linux/fuse.h).
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
static_assert(kIoctlBackingOpen == _IOW(229, 1, BackingMap));

}  // namespace

Result<UniqueFd> open_fuse_device() {
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return last_error();
  return UniqueFd(fd);
}

Result<void> mount_fuse(int device_fd, const std::string& source, const std::string& target,
                        unsigned long flags, bool kernel_checks_access) {
  const std::string data = "fd=" + std::to_string(device_fd) +
                           ",rootmode=40000,user_id=0,group_id=0,allow_other" +
                           (kernel_checks_access ? ",default_permissions" : "");
  return succeeded(::mount(source.c_str(), target.c_str(), kViewType, flags, data.c_str()));
}

Result<void> request_resend(int device_fd) {
  constexpr std::int32_t kNotifyResend = 7;  // FUSE_NOTIFY_RESEND
  fuse_out_header notification{};
  notification.len = sizeof notification;
  notification.error = kNotifyResend;
  return succeeded(::write(device_fd, &notification, sizeof notification));
}

Result<std::int32_t> open_backing(int device_fd, int fd) {
  BackingMap map{fd, 0, 0};
  return checked(static_cast<std::int32_t>(::ioctl(device_fd, kIoctlBackingOpen, &map)));
}

void close_backing(int device_fd, std::int32_t backing_id) {
  auto id = static_cast<std::uint32_t>(backing_id);
  // Fails only where the connection is gone, and the id with it.
  (void)::ioctl(device_fd, kIoctlBackingClose, &id);
}

Result<std::uint32_t> connection_number(int device_fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(device_fd));
  std::string name;
  std::uint32_t number = 0;
  while (info >> name) {
    if (name == "fuse_connection:" && info >> number) return number;
  }
  return fail(ENODATA);
}

}  // namespace cvfs::sys
