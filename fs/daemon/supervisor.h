// Supervisor: keeps a view's connection, state memory and descriptors, and a worker that serves it.
// Runs nothing that depends on what containers do. One thread.
#pragma once

#include <functional>

#include "base/operator_error.h"
#include "daemon/worker.h"

namespace cvfs {

// From here on SIGTERM, SIGINT, SIGHUP and SIGCHLD wait for supervise().
void block_supervised_signals();

// Starts a worker, and another one whenever one dies, until the view is unmounted. The first
// worker calls `ready` in its own process when it serves; if it cannot, it calls `refused` there,
// and this returns the exit code that it ended with.
// SIGTERM and SIGINT unmount the view, unless it is busy.
int supervise(const ViewPlan& plan, const Connection& connection,
              const std::function<void()>& ready,
              const std::function<void(const OperatorError&)>& refused);

}  // namespace cvfs
