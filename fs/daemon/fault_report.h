// What a worker that faulted left of its end, in words. For the supervisor, once the worker is
// gone; one thread.
#pragma once

#include <string>
#include <vector>

#include "journal/fault_record.h"
#include "journal/state_memory.h"

namespace cvfs {

// "worker 4711 died of SIGSEGV at 0x0 in RENAME of node 5 (request 1234)", then a line a frame.
std::vector<std::string> describe_fault(const FaultRecord& fault);

// The same of the fault in a view's state, which is cleared; no lines if there is none. Call it
// after each death, so that one worker's fault is not taken for the next one's.
std::vector<std::string> take_fault(const StateMemory& state);

}  // namespace cvfs
