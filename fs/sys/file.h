// Thin wrappers of the system calls on files: same semantics, Result instead of -1, descriptors
// always close-on-exec. Raw descriptors appear as borrowed parameters only. Any thread. Each
// function's errors are those of the system call it names.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

// Of a mode: what chmod(2) sets.
inline constexpr mode_t kPermissionBits = 07777;

// What statx(2) says of a file. Ids are as on disk (StoredUid, StoredGid).
struct FileStatus {
  std::uint64_t device = 0;
  std::uint64_t mount_id = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint32_t block_size = 0;
  std::uint32_t link_count = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  mode_t mode = 0;  // type and permissions
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  timespec accessed{};
  timespec modified{};
  timespec changed{};
  timespec born{};
  bool has_born = false;
  bool append_only = false;  // chattr(1) +a

  bool is_directory() const { return S_ISDIR(mode); }
  bool is_symlink() const { return S_ISLNK(mode); }
  bool is_regular() const { return S_ISREG(mode); }
};

// openat(2) with O_CLOEXEC; `name` is a single component, never followed if a symlink.
Result<UniqueFd> open_name(int dir_fd, const char* name, int flags, mode_t mode = 0);

// O_PATH on a single component that is not a mount point; not followed if a symlink. EXDEV: it is
// one.
Result<UniqueFd> open_name_on_mount(int dir_fd, const char* name);

// openat2(2): a relative path that may not leave `dir_fd` (RESOLVE_BENEATH) nor pass a magic link.
// EXDEV: it would leave. ELOOP: a magic link.
Result<UniqueFd> open_beneath(int dir_fd, const char* path, int flags);

// A second open of what `path_fd` (O_PATH or not) refers to, through /proc/self/fd.
Result<UniqueFd> reopen(int path_fd, int flags);

// An O_PATH descriptor of what `fd` refers to. Costs a quarter of reopen().
Result<UniqueFd> reference_to(int fd);

Result<FileStatus> status_of(int fd);
// Of what stands in a directory by that name; not followed if a symlink.
Result<FileStatus> status_at(int dir_fd, const char* name);

Result<struct statvfs> filesystem_status(int fd);

// symlink contents of an O_PATH descriptor. At most PATH_MAX - 1 bytes.
Result<std::string> read_link(int path_fd);

// chmod(2), truncate(2), utimensat(2) and fchownat(2) on an O_PATH descriptor. A symlink has no
// mode: EOPNOTSUPP.
Result<void> change_mode(int path_fd, mode_t mode);
Result<void> change_owner(int path_fd, uid_t uid, gid_t gid);  // (uid_t)-1: leave
Result<void> change_size(int path_fd, off_t size);
Result<void> change_times(int path_fd, const timespec& accessed, const timespec& modified);

// linkat(2) of the inode behind `path_fd` (also an O_TMPFILE).
Result<void> link_to(int path_fd, int dir_fd, const char* name);

// "/proc/self/fd/N" without an allocation.
class ProcPath {
 public:
  explicit ProcPath(int fd);
  const char* c_str() const { return text_; }

 private:
  char text_[32];
};

}  // namespace cvfs::sys
