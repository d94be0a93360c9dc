// A worker that finds itself alone: supervisor and standby died at once. It starts the program
// again in its own place, which goes on as a supervisor (docs/crash.md). For the worker's first
// thread: the one that the supervisor forked.
#pragma once

#include "daemon/served_view.h"

namespace cvfs {

// The supervisor has died. Waits for the standby to take its place; false: none does.
bool is_succeeded(const ServedView& view);

// Of a worker that serves no more: its other threads have ended. Returns only if it fails, which
// the log says.
void become_supervisor(const ServedView& view);

}  // namespace cvfs
