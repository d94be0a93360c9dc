// The processes of a view, by their records in the state memory (journal/view_state.h): starting
// one, asking after it, ending it. Called by a process with one thread.
#pragma once

#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "journal/view_state.h"
#include "sys/process.h"

namespace cvfs {

// Starts one that shares our descriptors: true in the new process. Errors: those of clone3(2).
Result<bool> start_process(ProcessRecord& record);

// Whoever dies while it starts one may leave a descriptor's number, which is nobody's or another's
// by now, without a process.
inline bool is_recorded(const ProcessRecord& record) {
  return record.pid != 0 && record.pidfd != 0;
}

// nullopt: it runs after `timeout_ms` (-1: for ever).
std::optional<sys::ProcessEnd> await_end(const ProcessRecord& record, int timeout_ms);

// There is none any more, and its descriptor, if there was one, is the caller's. Descriptor 0 is
// somebody else's, and so is the one of a record without a process.
UniqueFd take_pidfd(ProcessRecord& record);

// It has ended, and has been asked for: there is none any more.
void forget_process(ProcessRecord& record);

// SIGKILL, and waits for its end.
void end_process(ProcessRecord& record);

}  // namespace cvfs
