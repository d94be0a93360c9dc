#include "sys/process.h"

#include <dirent.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace cvfs::sys {

Result<pid_t> fork_sharing_descriptors() {
  // libc keeps the thread id in the thread's descriptor and trusts it in its locks: the kernel
  // writes the child's there, as fork(3) has it done.
  int* tid_address = nullptr;
  if (::prctl(PR_GET_TID_ADDRESS, &tid_address, 0, 0, 0) < 0) return last_error();
  clone_args arguments{};
  arguments.flags = CLONE_FILES | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  arguments.child_tid = reinterpret_cast<std::uintptr_t>(tid_address);
  arguments.exit_signal = SIGCHLD;
  return checked(static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments)));
}

Result<std::vector<int>> open_descriptors() {
  std::vector<int> open;
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return last_error();
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd != ::dirfd(directory)) open.push_back(fd);
  }
  ::closedir(directory);
  return open;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return ::strsignal(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace cvfs::sys
