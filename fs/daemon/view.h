// View: one mount from its start to its end: mounts, serves, goes. Used by main() once.
#pragma once

#include <functional>

#include "base/operator_error.h"
#include "daemon/view_plan.h"

namespace cvfs {

// Mounts the view and serves it until it is unmounted. `ready` is called once, when it serves.
// Refused before that: with nothing left mounted. SIGTERM and SIGINT unmount it, unless it is busy.
Outcome<void> serve_view(ViewPlan plan, const std::function<void()>& ready);

}  // namespace cvfs
