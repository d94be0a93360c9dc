// What a worker that faulted left of its end, in words. For the supervisor, once the worker is
// gone; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/fault_record.h"
#include "journal/state_memory.h"

namespace cvfs {

// "worker 4711 died of SIGSEGV at 0x0 in RENAME of node 5 (request 1234)", then a line a frame.
std::vector<std::string> describe_fault(const FaultRecord& fault);

struct FaultReport {
  std::vector<std::string> lines;
  std::uint64_t request = 0;  // that the thread had at hand; 0: none
};

// The same of the fault in a view's state, which is cleared; nothing if there is none. Call it
// after each death, so that one worker's fault is not taken for the next one's.
std::optional<FaultReport> take_fault(const StateMemory& state);

}  // namespace cvfs
