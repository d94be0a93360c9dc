// The locks of the whole machine, as /proc/locks lists them, and those of one process. Any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cvfs::sys {

struct SystemLock {
  std::string kind;  // "POSIX", "OFDLCK", "FLOCK"
  bool is_write = false;
  bool waits = false;
  // Who took it, also if he has ended since (in the machine's first pid namespace; elsewhere
  // such locks are not told); -1: of an open file description.
  pid_t pid = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // INT64_MAX: to the end
};

// What is no line of /proc/locks is passed over, as are leases.
std::vector<SystemLock> read_system_locks(std::istream& lines, std::size_t most = SIZE_MAX);
// The first `most`: the kernel takes the longer for each the more there are, and keeps everybody
// from locking meanwhile.
std::vector<SystemLock> system_locks(std::size_t most = SIZE_MAX);

// What is held by one descriptor of ours.
std::vector<SystemLock> locks_of_descriptor(int fd);

// The files that a process has open and locked, by device and inode number as SystemLock has them,
// with their paths: what of them is found by `until`, for it may have many descriptors. No file is
// asked for anything, so no filesystem is waited for. Empty: it has ended, or may not be looked at.
using LockedFiles = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;
LockedFiles locked_files_of(pid_t pid, std::chrono::steady_clock::time_point until);

}  // namespace cvfs::sys
