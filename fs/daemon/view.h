// View: one mount from its start to its end: mounts, serves, goes. Used by main() once.
#pragma once

#include <functional>

#include "base/operator_error.h"
#include "daemon/view_plan.h"

namespace cvfs {

// Mounts the view and serves it until it is unmounted. `ready` is called once, when it serves;
// `refused` instead, if it cannot; both may be called in another process. Returns the exit code.
int serve_view(const ViewPlan& plan, const std::function<void()>& ready,
               const std::function<void(const OperatorError&)>& refused);

}  // namespace cvfs
