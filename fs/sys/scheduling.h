// Where threads run: the CPU that one ran on last, how long it waited for it, and on which ones it
// may run. Any thread; nothing is kept between two calls.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace cvfs::sys {

// The CPU that a thread of any process runs on, or ran on last. nullopt: it has ended, or is not to
// be seen. Some 5 us.
std::optional<unsigned> last_cpu_of(pid_t tid);

// What the calling thread has had of CPUs since it began.
struct CpuWaits {
  std::uint64_t waited_ns = 0;  // ready to run, while others did
  std::uint64_t turns = 0;      // how often it was given a CPU
};

// nullopt: the kernel does not count.
std::optional<CpuWaits> own_cpu_waits();

// On which CPUs a thread of this process may run. ESRCH; EINVAL: none of them is left.
Result<cpu_set_t> allowed_cpus(pid_t tid);
Result<void> allow_cpus(pid_t tid, const cpu_set_t& cpus);

}  // namespace cvfs::sys
