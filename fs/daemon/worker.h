// Worker: the process that serves a view. It shares its descriptor table with the supervisor, finds
// everything else in the state memory, and may die at any instant: the next one goes on.
#pragma once

#include <functional>
#include <vector>

#include "base/operator_error.h"
#include "daemon/served_view.h"

namespace cvfs {

// Serves until the view is unmounted or the supervisor wants it to end, and ends the process then.
// `ready` is called by the first that serves. `others`: the descriptors that other processes of the
// view need beside lasting_descriptors().
// Returns only what keeps it from serving: the tree or the state cannot be taken over.
OperatorError run_worker(const ServedView& view, const std::vector<int>& others,
                         const std::function<void()>& ready);

}  // namespace cvfs
