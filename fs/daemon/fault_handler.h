// The worker's side of reports: when it faults, what happened goes to the state memory and a core
// to where core_pattern says; a thread that is asked for its stack writes it there. Installed once,
// in a worker, before it has threads.
#pragma once

#include <csignal>

#include "journal/state_memory.h"

namespace cvfs {

// Asks a thread for its stack, queued with a StackQuestion (fault_record.h); any other sender is
// passed over. Read system calls go on (SA_RESTART).
inline constexpr int kStackSignal = SIGUSR2;

// `state` stays mapped as long as the process lives. A signal that has a handler already (a
// sanitizer's) keeps it. Threads that start later make a sys::SignalStack of their own.
void install_fault_handlers(const StateMemory& state);

}  // namespace cvfs
