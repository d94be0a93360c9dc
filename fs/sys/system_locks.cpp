#include "sys/system_locks.h"

#include <sys/sysmacros.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace cvfs::sys {

namespace {

// "1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF", or "1: -> POSIX ..." of one that waits.
std::optional<SystemLock> lock_of(const std::string& line) {
  SystemLock lock;
  int begin = 0;
  (void)std::sscanf(line.c_str(), "%*d: -> %n", &begin);
  lock.waits = begin != 0;
  if (begin == 0) (void)std::sscanf(line.c_str(), "%*d: %n", &begin);
  char kind[16];
  char type[16];
  char last[24];
  unsigned major = 0;
  unsigned minor = 0;
  unsigned long long inode = 0;
  unsigned long long first = 0;
  if (std::sscanf(line.c_str() + begin, "%15s %*s %15s %d %x:%x:%llu %llu %23s", kind, type,
                  &lock.pid, &major, &minor, &inode, &first, last) != 8) {
    return std::nullopt;
  }
  lock.kind = kind;
  if (lock.kind != "POSIX" && lock.kind != "OFDLCK" && lock.kind != "FLOCK") return std::nullopt;
  lock.device = gnu_dev_makedev(major, minor);
  lock.inode = inode;
  lock.is_write = std::strcmp(type, "WRITE") == 0;
  lock.first = first;
  lock.last = std::strcmp(last, "EOF") == 0 ? INT64_MAX : std::strtoull(last, nullptr, 10);
  return lock;
}

// "lock:\t" and a line of /proc/locks, for each; of those the first `most`.
std::vector<SystemLock> locks_in(const std::string& fdinfo, std::size_t most) {
  constexpr std::string_view kLock = "lock:\t";
  std::ifstream file(fdinfo);
  std::vector<SystemLock> locks;
  std::string line;
  while (locks.size() < most && std::getline(file, line)) {
    if (!line.starts_with(kLock)) continue;
    if (auto lock = lock_of(line.substr(kLock.size()))) locks.push_back(std::move(*lock));
  }
  return locks;
}

}  // namespace

std::vector<SystemLock> read_system_locks(std::istream& lines, std::size_t most) {
  std::vector<SystemLock> locks;
  std::string line;
  while (locks.size() < most && std::getline(lines, line)) {
    if (auto lock = lock_of(line)) locks.push_back(std::move(*lock));
  }
  return locks;
}

std::vector<SystemLock> system_locks(std::size_t most) {
  std::ifstream file("/proc/locks");
  return read_system_locks(file, most);
}

std::vector<SystemLock> locks_of_descriptor(int fd) {
  return locks_in("/proc/self/fdinfo/" + std::to_string(fd), SIZE_MAX);
}

// All locks of a descriptor are of one file: the first one says of which.
LockedFiles locked_files_of(pid_t pid, std::chrono::steady_clock::time_point until) {
  namespace fs = std::filesystem;
  const fs::path process = "/proc/" + std::to_string(pid);
  LockedFiles files;
  std::error_code error;
  fs::directory_iterator entry(process / "fdinfo", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (std::chrono::steady_clock::now() >= until) break;
    for (const SystemLock& lock : locks_in(entry->path(), 1)) {
      std::error_code ignored;
      const fs::path file = fs::read_symlink(process / "fd" / entry->path().filename(), ignored);
      if (!file.empty()) files[{lock.device, lock.inode}] = file;
    }
  }
  return files;
}

}  // namespace cvfs::sys
