// Locks on an open file description (fcntl(2) F_OFD_*, flock(2)): exclusive with all others on the
// machine. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace cvfs::sys {

// Both ends are locked.
struct LockedRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool is_write = false;
  pid_t pid = 0;  // in our pid namespace; -1: of an open file description
};

enum class LockMode { kShared, kExclusive, kUnlock };

// EAGAIN: somebody else's is in the way. ENOLCK; what a backing says that cannot lock: EINVAL,
// ENOSYS, EOPNOTSUPP. EBADF: `fd` is not open for it.
Result<void> lock_range(int fd, LockMode mode, std::uint64_t first, std::uint64_t last);
// Takes the old lock away first, as flock(2) does, also where it fails.
Result<void> lock_whole(int fd, LockMode mode);

// The same, waiting. EINTR: a signal came.
Result<void> await_range(int fd, LockMode mode, std::uint64_t first, std::uint64_t last);
Result<void> await_whole(int fd, LockMode mode);

// What is in the way of such a lock; nullopt: nothing.
Result<std::optional<LockedRange>> find_lock(int fd, LockMode mode, std::uint64_t first,
                                             std::uint64_t last);

}  // namespace cvfs::sys
