// What the kernel says of another process' thread (/proc/PID/task/TID). Every descriptor is closed
// again before a function returns. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cvfs {

struct ThreadStatus {
  static constexpr long kRuns = -2;          // on a CPU, or waiting for one: nobody knows where
  static constexpr long kNoSystemCall = -1;  // stopped, or waiting for a page

  char state = '?';                // 'R', 'S', 'D', 'T', …: proc(5)
  long system_call = kRuns;        // that it is in, or one of the above
  std::uint64_t user_ticks = 0;    // it ran in user space,
  std::uint64_t system_ticks = 0;  // and in the kernel: sysconf(_SC_CLK_TCK) to the second
};

// Nothing: there is no such thread any more.
std::optional<ThreadStatus> thread_status(pid_t process, pid_t thread);

// "futex_wait_queue+0x6b/0x90 < futex_wait+0x18b/0x2a0 < …", the innermost first; "" if it runs, or
// we may not see it.
std::string kernel_stack(pid_t process, pid_t thread);

std::vector<pid_t> threads_of(pid_t process);

}  // namespace cvfs
