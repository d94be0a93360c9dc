// A worker that finds itself alone: supervisor and standby died at once. It ends, and the program,
// started again, goes on as a supervisor (docs/crash.md). For the worker's first thread: the one
// that the supervisor forked.
#pragma once

#include "daemon/served_view.h"

namespace cvfs {

// The supervisor has died. Waits for the standby to take its place; false: none does.
bool is_succeeded(const ServedView& view);

// Of a worker that receives nothing more. Whatever its other threads are at ends with them, and is
// sent again. Returns only if it fails, which the log says.
void become_supervisor(const ServedView& view);

}  // namespace cvfs
