#include "sys/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace cvfs::sys {

namespace {

// Of <linux/pidfd.h> since Linux 6.15.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
constexpr std::uint64_t kPidfdInfoExit = 1 << 3;

}  // namespace

const unsigned long kIoctlPidfdInfo = _IOWR(0xFF, 11, PidfdInfo);

namespace {

// Of one that is no child: whose it was has to collect it first, which may take a moment.
ProcessEnd end_of_a_stranger(int pidfd) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    PidfdInfo info{};
    info.mask = kPidfdInfoExit;
    if (::ioctl(pidfd, kIoctlPidfdInfo, &info) < 0) return {};
    if ((info.mask & kPidfdInfoExit) != 0) return {true, info.exit_code};
    ::poll(nullptr, 0, 1);
  }
  return {};
}

// fork(2) with more `flags`.
Result<pid_t> fork_with(std::uint64_t flags, std::int32_t* pid, std::int32_t* pidfd) {
  // libc keeps the thread id in the thread's descriptor and trusts it in its locks: the kernel
  // writes the child's there, as fork(3) has it done.
  int* tid_address = nullptr;
  if (::prctl(PR_GET_TID_ADDRESS, &tid_address, 0, 0, 0) < 0) return last_error();
  clone_args arguments{};
  arguments.flags =
      flags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | CLONE_PIDFD;
  arguments.child_tid = reinterpret_cast<std::uintptr_t>(tid_address);
  arguments.parent_tid = reinterpret_cast<std::uintptr_t>(pid);
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  return checked(static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments)));
}

}  // namespace

Result<pid_t> fork_with_pidfd(UniqueFd& pidfd) {
  std::int32_t pid = 0;
  std::int32_t fd = -1;
  const pid_t forked = TRY(fork_with(0, &pid, &fd));
  if (forked != 0) pidfd = UniqueFd(fd);
  return forked;
}

Result<pid_t> fork_sharing_descriptors(std::int32_t* pid, std::int32_t* pidfd) {
  return fork_with(CLONE_FILES, pid, pidfd);
}

Result<UniqueFd> open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return last_error();
  return fd;
}

Result<void> send_signal(int pidfd, int signal) {
  TRY(checked(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0)));
  return {};
}

bool ProcessEnd::is_fault() const {
  if (!is_known) return false;
  return WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status) != 0;
}

std::string ProcessEnd::text() const {
  return is_known ? how_it_ended(status) : "nobody knows how";
}

std::optional<ProcessEnd> await_end(int pidfd, int timeout_ms) {
  pollfd ended{pidfd, POLLIN, 0};
  if (::poll(&ended, 1, timeout_ms) != 1) return std::nullopt;
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) < 0) {
    return end_of_a_stranger(pidfd);
  }
  const bool is_exit = info.si_code == CLD_EXITED;
  return ProcessEnd{true, is_exit ? info.si_status << 8 : info.si_status};
}

Result<void> for_each_descriptor(void (*visit)(int fd, void* argument), void* argument) {
  const UniqueFd directory(::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return last_error();
  alignas(dirent64) char entries[4096];
  for (;;) {
    const ssize_t got = ::getdents64(directory.get(), entries, sizeof entries);
    if (got <= 0) return succeeded(got);
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      if (entry->d_name[0] == '.') continue;
      const int fd = std::atoi(entry->d_name);
      if (fd != directory.get()) visit(fd, argument);
    }
  }
}

Result<std::vector<int>> open_descriptors() {
  std::vector<int> open;
  TRY(for_each_descriptor(
      [](int fd, void* argument) { static_cast<std::vector<int>*>(argument)->push_back(fd); },
      &open));
  return open;
}

void limit_descriptors(std::size_t reserved) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max > reserved ? limit.rlim_max - reserved : limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return ::strsignal(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

namespace {

std::uint64_t microseconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

std::uint64_t monotonic_us() {
  return microseconds_of(CLOCK_MONOTONIC);
}

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

int ms_until(std::uint64_t time_us) {
  const std::uint64_t now = monotonic_us();
  return time_us <= now ? 0 : static_cast<int>((time_us - now) / 1000 + 1);
}

std::uint64_t coarse_monotonic_us() {
  return microseconds_of(CLOCK_MONOTONIC_COARSE);
}

}  // namespace cvfs::sys
