#include "sys/lock_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace cvfs::sys {

namespace {

// The first bytes of a file of /proc; empty: it cannot be read.
template <std::size_t size>
std::string beginning_of(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[size];
  const ssize_t length = fd ? ::read(fd.get(), text, sizeof text) : 0;
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

LockCall call_of(unsigned long command) {
  // F_SETLK64 and F_SETLKW64 of a 32-bit program, which the others' headers do not name.
  constexpr unsigned long kSetlk64 = 13;
  constexpr unsigned long kSetlkw64 = 14;
  if (command == F_SETLK || command == kSetlk64) return LockCall::kPosixTry;
  if (command == F_SETLKW || command == kSetlkw64) return LockCall::kPosixWait;
  return LockCall::kOther;
}

// "NUMBER ARGUMENT ARGUMENT ...", of a thread that sleeps in a system call; or "running".
LockCall look_at(const std::string& thread) {
  constexpr std::size_t kMost = 256;
  const std::string text = beginning_of<kMost>(thread + "/syscall");
  if (text.starts_with("running")) return LockCall::kRunning;
  unsigned long command = 0;
  if (std::sscanf(text.c_str(), "%*d %*x %lx", &command) != 1) return LockCall::kOther;
  return call_of(command);
}

std::optional<std::uint64_t> sleeps_of(const std::string& thread) {
  constexpr std::size_t kMost = 8192;
  constexpr const char* kName = "\nvoluntary_ctxt_switches:";
  const std::string text = beginning_of<kMost>(thread + "/status");
  const std::size_t at = text.find(kName);
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(text.c_str() + at + std::strlen(kName), nullptr, 10);
}

}  // namespace

LockCall lock_call_of(pid_t tid, int looks) {
  const std::string thread = "/proc/" + std::to_string(tid);
  LockCall call = look_at(thread);
  for (int i = 1; i < looks && call == LockCall::kRunning; ++i) {
    ::sched_yield();
    call = look_at(thread);
  }
  return call;
}

std::vector<LockSleeper> posix_sleepers_of(pid_t pid) {
  namespace fs = std::filesystem;
  std::vector<LockSleeper> sleepers;
  std::error_code error;
  fs::directory_iterator thread("/proc/" + std::to_string(pid) + "/task", error);
  for (; !error && thread != fs::directory_iterator(); thread.increment(error)) {
    if (look_at(thread->path()) != LockCall::kPosixWait) continue;
    const auto sleeps = sleeps_of(thread->path());
    if (sleeps) sleepers.push_back({std::atoi(thread->path().filename().c_str()), *sleeps});
  }
  return sleepers;
}

}  // namespace cvfs::sys
