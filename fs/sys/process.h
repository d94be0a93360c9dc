// Processes: starting one that shares our descriptor table, so that what one opens outlives it in
// the other; asking how one ended; the clock that all of them read. Nothing is kept between two
// calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

// fork(2), and a pidfd of the child for the parent: where there is no room for that, there is no
// child. EAGAIN, ENOMEM, EMFILE, ENFILE; ENOSYS: older than Linux 5.3.
Result<pid_t> fork_with_pidfd(UniqueFd& pidfd);

// fork(2), but both processes go on with the same descriptor table (clone(2), CLONE_FILES). If the
// process has several threads, the child may call only what a signal handler may. 0 in the child.
// The kernel writes the child's pid and a pidfd of it to the addresses before the child runs, so
// that in shared memory they are there even if the parent dies at once. EAGAIN, ENOMEM; ENOSYS:
// older than Linux 5.3.
Result<pid_t> fork_sharing_descriptors(std::int32_t* pid, std::int32_t* pidfd);

// pidfd_open(2). ESRCH, EMFILE. Any thread.
Result<UniqueFd> open_pidfd(pid_t pid);

// pidfd_send_signal(2). ESRCH: it has ended. Any thread.
Result<void> send_signal(int pidfd, int signal);

// The ioctl by which await_end() asks of one that is no child.
extern const unsigned long kIoctlPidfdInfo;

// What is known of a process' end. Of one that is no child only Linux 6.15 and later tell how.
struct ProcessEnd {
  bool is_known = false;
  int status = 0;  // as of waitpid(2)

  bool is_fault() const;  // anything but a SIGKILL and exit code 0
  std::string text() const;
};

// Waits at most `timeout_ms` (-1: for ever), and collects it if it is a child. nullopt: it runs.
std::optional<ProcessEnd> await_end(int pidfd, int timeout_ms);

// Calls `visit(fd)` for each descriptor that is open in this process now. Allocates nothing, so
// that a fork of a process with several threads may call it. EMFILE, ENFILE; ENOENT: no /proc. Any
// thread.
Result<void> for_each_descriptor(void (*visit)(int fd, void* argument), void* argument);

// The same, all at once.
Result<std::vector<int>> open_descriptors();

// As many descriptors as this process may have, but for `reserved` of the highest numbers, which
// are left to others that share its table. What is open stays open. Any thread.
void limit_descriptors(std::size_t reserved);

// What waitpid(2) says of a process' end, in words: "Killed", "exit code 4". Any thread.
std::string how_it_ended(int status);

// Microseconds of CLOCK_MONOTONIC, the same for all processes. Any thread.
std::uint64_t monotonic_us();

// The same clock in nanoseconds: some 20 of them a call. Any thread.
std::uint64_t monotonic_ns();

// From now until then on this clock, rounded up: as poll(2) takes it. 0: it has passed. Any thread.
int ms_until(std::uint64_t time_us);

// The same clock, a few milliseconds late: costs no more than reading memory. Any thread.
std::uint64_t coarse_monotonic_us();

}  // namespace cvfs::sys
