#include "sys/mounts.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace cvfs::sys {

Result<std::string> type_of_mount(std::uint64_t mount_id) {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::uint64_t id = 0;
    if (!(fields >> id) || id != mount_id) continue;
    const std::size_t separator = line.find(" - ");  // the optional fields end here
    if (separator == std::string::npos) break;
    const std::size_t begin = separator + 3;
    return line.substr(begin, line.find(' ', begin) - begin);
  }
  return fail(ENOENT);
}

Result<std::uint64_t> mount_of(int fd) {
  struct statx raw {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &raw) < 0) {
    return last_error();
  }
  return raw.stx_mnt_id;
}

bool is_view(int fd) {
  const auto mount_id = mount_of(fd);
  if (!mount_id) return false;
  const auto type = type_of_mount(*mount_id);
  return type && *type == kViewType;
}

bool is_dead_view(int fd) {
  if (!is_view(fd)) return false;
  // The kernel may remember the attributes of the root: it has to ask anew.
  struct statx raw {};
  return ::statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &raw) < 0 &&
         errno == ENOTCONN;
}

Result<void> detach_mount(int fd) {
  // By descriptor: by its path it could be another one by now.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (::umount2(path.c_str(), MNT_DETACH) < 0) return last_error();
  return {};
}

Result<UniqueFd> copy_of_mount(int directory_fd) {
  const long fd = ::syscall(SYS_open_tree, directory_fd, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | unsigned{AT_EMPTY_PATH});
  if (fd < 0) return last_error();
  return UniqueFd(static_cast<int>(fd));
}

Result<UniqueFd> copy_with_times(int directory_fd, unsigned long flags) {
  UniqueFd copy = TRY(copy_of_mount(directory_fd));
  mount_attr times{};
  if ((flags & MS_NODIRATIME) != 0) times.attr_set |= MOUNT_ATTR_NODIRATIME;
  if ((flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)) != 0) {
    times.attr_clr |= MOUNT_ATTR__ATIME;
    if ((flags & MS_NOATIME) != 0) times.attr_set |= MOUNT_ATTR_NOATIME;
    if ((flags & MS_STRICTATIME) != 0) times.attr_set |= MOUNT_ATTR_STRICTATIME;
  }
  if (::mount_setattr(copy.get(), "", AT_EMPTY_PATH, &times, sizeof times) < 0) return last_error();
  return copy;
}

bool is_mount_root(int fd) {
  struct statx raw {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(fd, "", kFlags, 0, &raw) < 0) return false;
  return (raw.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace cvfs::sys
