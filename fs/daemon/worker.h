// Worker: the process that serves a view. It shares its descriptor table with the supervisor, finds
// everything else in the state memory, and may die at any instant: the next one goes on.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/operator_error.h"
#include "daemon/view_plan.h"
#include "fuse/handshake.h"
#include "journal/state_memory.h"

namespace cvfs {

// What the supervisor has set up before the first worker starts; the same for each of them.
struct Connection {
  int device_fd;  // of /dev/fuse, mounted and initialised
  Handshake handshake;
  std::shared_ptr<StateMemory> state;
  std::vector<int> own_descriptors;  // the supervisor's: never closed by a worker
};

// Serves until the view is unmounted, and ends the process then. `ready` is called by the
// first that serves.
// Returns only what keeps it from serving: the tree or the state cannot be taken over.
OperatorError run_worker(const ViewPlan& plan, const Connection& connection,
                         const std::function<void()>& ready);

}  // namespace cvfs
