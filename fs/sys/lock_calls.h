// What threads ask for in fcntl(2), which FUSE does not tell: POSIX locks and those of open file
// descriptions come as the same requests. Read in /proc; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace cvfs::sys {

// kRunning: it does not sleep (yet), and so nobody can see. kOther: also one that may not be looked
// at.
enum class LockCall { kPosixTry, kPosixWait, kOther, kRunning };

// Looks that often while it is kRunning, and lets others run in between.
LockCall lock_call_of(pid_t tid, int looks = 1);

// A thread that waits for a POSIX lock. Where `sleeps` is what it was, it has not woken since.
struct LockSleeper {
  pid_t tid = 0;
  std::uint64_t sleeps = 0;
  friend bool operator==(const LockSleeper&, const LockSleeper&) = default;
};

// Those of a process; none: it has ended, or may not be looked at.
std::vector<LockSleeper> posix_sleepers_of(pid_t pid);

}  // namespace cvfs::sys
