#include "sys/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

namespace cvfs::sys {

namespace {

short type_of(LockMode mode) {
  if (mode == LockMode::kUnlock) return F_UNLCK;
  return mode == LockMode::kExclusive ? F_WRLCK : F_RDLCK;
}

struct flock to_flock(LockMode mode, std::uint64_t first, std::uint64_t last) {
  struct flock lock {};
  lock.l_type = type_of(mode);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(first);
  const bool to_the_end = last >= static_cast<std::uint64_t>(INT64_MAX);
  lock.l_len = to_the_end ? 0 : static_cast<off_t>(last - first + 1);
  return lock;
}

int operation_of(LockMode mode) {
  if (mode == LockMode::kUnlock) return LOCK_UN;
  return mode == LockMode::kExclusive ? LOCK_EX : LOCK_SH;
}

Result<void> set_range(int fd, int command, LockMode mode, std::uint64_t first,
                       std::uint64_t last) {
  struct flock lock = to_flock(mode, first, last);
  const auto set = succeeded(::fcntl(fd, command, &lock));
  // POSIX allows either.
  if (!set && set.error().value == EACCES) return fail(EAGAIN);
  return set;
}

}  // namespace

Result<void> lock_range(int fd, LockMode mode, std::uint64_t first, std::uint64_t last) {
  return set_range(fd, F_OFD_SETLK, mode, first, last);
}

Result<void> await_range(int fd, LockMode mode, std::uint64_t first, std::uint64_t last) {
  return set_range(fd, F_OFD_SETLKW, mode, first, last);
}

Result<void> lock_whole(int fd, LockMode mode) {
  return succeeded(::flock(fd, operation_of(mode) | LOCK_NB));
}

Result<void> await_whole(int fd, LockMode mode) {
  return succeeded(::flock(fd, operation_of(mode)));
}

Result<std::optional<LockedRange>> find_lock(int fd, LockMode mode, std::uint64_t first,
                                             std::uint64_t last) {
  struct flock lock = to_flock(mode, first, last);
  TRY(succeeded(::fcntl(fd, F_OFD_GETLK, &lock)));
  if (lock.l_type == F_UNLCK) return std::optional<LockedRange>();
  LockedRange found;
  found.first = static_cast<std::uint64_t>(lock.l_start);
  found.last = lock.l_len == 0 ? static_cast<std::uint64_t>(INT64_MAX)
                               : found.first + static_cast<std::uint64_t>(lock.l_len) - 1;
  found.is_write = lock.l_type == F_WRLCK;
  found.pid = lock.l_pid;
  return std::optional(found);
}

}  // namespace cvfs::sys
