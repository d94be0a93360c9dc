#include "sys/system_locks.h"

#include <sys/sysmacros.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

namespace cvfs::sys {

namespace {

// "1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF", or "1: -> POSIX ..." of one that waits.
std::optional<SystemLock> lock_of(const std::string& line) {
  std::istringstream words(line);
  std::string number;
  std::string mode;
  std::string type;
  std::string file;
  std::string last;
  SystemLock lock;
  words >> number >> lock.kind;
  if (lock.kind == "->") {
    lock.waits = true;
    words >> lock.kind;
  }
  if (!(words >> mode >> type >> lock.pid >> file >> lock.first >> last)) return std::nullopt;
  if (lock.kind != "POSIX" && lock.kind != "OFDLCK" && lock.kind != "FLOCK") return std::nullopt;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned long long inode = 0;
  if (std::sscanf(file.c_str(), "%x:%x:%llu", &major, &minor, &inode) != 3) return std::nullopt;
  lock.device = gnu_dev_makedev(major, minor);
  lock.inode = inode;
  lock.is_write = type == "WRITE";
  lock.last = last == "EOF" ? INT64_MAX : std::strtoull(last.c_str(), nullptr, 10);
  return lock;
}

}  // namespace

std::vector<SystemLock> read_system_locks(std::istream& lines) {
  std::vector<SystemLock> locks;
  std::string line;
  while (std::getline(lines, line)) {
    if (auto lock = lock_of(line)) locks.push_back(std::move(*lock));
  }
  return locks;
}

std::vector<SystemLock> system_locks() {
  std::ifstream file("/proc/locks");
  return read_system_locks(file);
}

}  // namespace cvfs::sys
