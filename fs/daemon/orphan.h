// A worker that finds itself alone: supervisor and standby died at once. It starts the program
// again in its own place, which goes on as a supervisor (docs/crash.md).
#pragma once

#include "daemon/served_view.h"

namespace cvfs {

// The supervisor has died. Waits for the standby to take its place; false: none does.
bool is_succeeded(const ServedView& view);

// Of a worker that serves no more. Returns only if it cannot be.
void become_supervisor(const ServedView& view);

}  // namespace cvfs
