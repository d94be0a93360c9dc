#include "sys/file.h"

#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstdio>

#include "sys/new_calls.h"
#include "sys/uninterrupted.h"

namespace cvfs::sys {

namespace {

// Of a call that opens.
template <class Open>
Result<UniqueFd> opened(Open open) {
  const auto fd = uninterrupted(open);
  if (fd < 0) return last_error();
  return UniqueFd(static_cast<int>(fd));
}

timespec to_timespec(const statx_timestamp& stamp) {
  return {static_cast<time_t>(stamp.tv_sec), static_cast<long>(stamp.tv_nsec)};
}

FileStatus from_statx(const struct statx& raw) {
  FileStatus status;
  status.device = makedev(raw.stx_dev_major, raw.stx_dev_minor);
  status.mount_id = raw.stx_mnt_id;
  status.inode = raw.stx_ino;
  status.size = raw.stx_size;
  status.blocks = raw.stx_blocks;
  status.block_size = raw.stx_blksize;
  status.link_count = raw.stx_nlink;
  status.uid = raw.stx_uid;
  status.gid = raw.stx_gid;
  status.mode = raw.stx_mode;
  status.device_major = raw.stx_rdev_major;
  status.device_minor = raw.stx_rdev_minor;
  status.accessed = to_timespec(raw.stx_atime);
  status.modified = to_timespec(raw.stx_mtime);
  status.changed = to_timespec(raw.stx_ctime);
  status.born = to_timespec(raw.stx_btime);
  status.append_only = (raw.stx_attributes & STATX_ATTR_APPEND) != 0;
  status.has_born = (raw.stx_mask & STATX_BTIME) != 0;
  return status;
}

Result<FileStatus> statx_at(int dir_fd, const char* name, int flags) {
  struct statx raw;
  if (::statx(dir_fd, name, flags | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &raw) < 0) {
    return last_error();
  }
  return from_statx(raw);
}

}  // namespace

ProcPath::ProcPath(int fd) {
  std::snprintf(text_, sizeof text_, "/proc/self/fd/%d", fd);
}

Result<UniqueFd> open_name(int dir_fd, const char* name, int flags, mode_t mode) {
  return opened([&] { return ::openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, mode); });
}

Result<UniqueFd> open_name_on_mount(int dir_fd, const char* name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV;
  return opened([&] { return ::syscall(SYS_openat2, dir_fd, name, &how, sizeof how); });
}

Result<UniqueFd> open_beneath(int dir_fd, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return opened([&] { return ::syscall(SYS_openat2, dir_fd, path, &how, sizeof how); });
}

Result<UniqueFd> reopen(int path_fd, int flags) {
  return opened([&] { return ::open(ProcPath(path_fd).c_str(), flags | O_CLOEXEC); });
}

Result<UniqueFd> reference_to(int fd) {
  // Without OPEN_TREE_CLONE it opens what is there, as open(2) with O_PATH does.
  return opened([&] {
    return ::syscall(SYS_open_tree, fd, "", OPEN_TREE_CLOEXEC | unsigned{AT_EMPTY_PATH});
  });
}

Result<FileStatus> status_of(int fd) {
  return statx_at(fd, "", AT_EMPTY_PATH);
}

Result<FileStatus> status_at(int dir_fd, const char* name) {
  return statx_at(dir_fd, name, 0);
}

Result<struct statvfs> filesystem_status(int fd) {
  struct statvfs status;
  if (::fstatvfs(fd, &status) < 0) return last_error();
  return status;
}

Result<std::string> read_link(int path_fd) {
  char text[PATH_MAX];
  const ssize_t length = ::readlinkat(path_fd, "", text, sizeof text);
  if (length < 0) return last_error();
  return std::string(text, static_cast<std::size_t>(length));
}

Result<void> change_mode(int path_fd, mode_t mode) {
  const long changed = ::syscall(kFchmodat2, path_fd, "", mode, AT_EMPTY_PATH);
  if (changed == 0 || errno != ENOSYS) return succeeded(static_cast<int>(changed));
  return succeeded(::chmod(ProcPath(path_fd).c_str(), mode));
}

Result<void> change_owner(int path_fd, uid_t uid, gid_t gid) {
  return succeeded(::fchownat(path_fd, "", uid, gid, AT_EMPTY_PATH));
}

Result<void> change_size(int path_fd, off_t size) {
  return succeeded(uninterrupted([&] { return ::truncate(ProcPath(path_fd).c_str(), size); }));
}

Result<void> change_times(int path_fd, const timespec& accessed, const timespec& modified) {
  const timespec times[2] = {accessed, modified};
  return succeeded(::utimensat(path_fd, "", times, AT_EMPTY_PATH));
}

Result<void> link_to(int path_fd, int dir_fd, const char* name) {
  // Needs CAP_DAC_READ_SEARCH. AT_SYMLINK_FOLLOW through /proc would not do for symlinks.
  return succeeded(::linkat(path_fd, "", dir_fd, name, AT_EMPTY_PATH));
}

}  // namespace cvfs::sys
