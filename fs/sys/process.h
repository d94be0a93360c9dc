// Processes that share one descriptor table, so that what one opens outlives it in the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace cvfs::sys {

// fork(2), but both processes go on with the same descriptor table (clone(2), CLONE_FILES): only
// for a process with one thread. 0 in the child. EAGAIN, ENOMEM; ENOSYS: older than Linux 5.3.
Result<pid_t> fork_sharing_descriptors();

// The descriptors that are open in this process now. EMFILE, ENFILE; ENOENT: no /proc. Any thread.
Result<std::vector<int>> open_descriptors();

// What waitpid(2) says of a process' end, in words: "Killed", "exit code 4". Any thread.
std::string how_it_ended(int status);

// Microseconds of CLOCK_MONOTONIC, the same for all processes. Any thread.
std::uint64_t monotonic_us();

}  // namespace cvfs::sys
