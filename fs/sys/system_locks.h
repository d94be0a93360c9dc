// The locks of the whole machine, as /proc/locks lists them. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace cvfs::sys {

struct SystemLock {
  std::string kind;  // "POSIX", "OFDLCK", "FLOCK"
  bool is_write = false;
  bool waits = false;
  pid_t pid = 0;  // -1: of an open file description
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // INT64_MAX: to the end
};

// What is no line of /proc/locks is passed over, as are leases.
std::vector<SystemLock> read_system_locks(std::istream& lines);
std::vector<SystemLock> system_locks();

}  // namespace cvfs::sys
