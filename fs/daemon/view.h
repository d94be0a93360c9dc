// View: one mount from its start to its end: mounts, serves, goes; or goes on with a view that
// another build has served. Used by main() once.
#pragma once

#include <functional>
#include <string>

#include "base/operator_error.h"
#include "daemon/view_plan.h"

namespace cvfs {

// This program.
struct Build {
  std::string version;
  bool to_syslog = false;    // it runs in the background
  bool is_confined = false;  // a worker has begun it
};

// Mounts the view and serves it until it is unmounted. `ready` is called once, when it serves;
// `refused` instead, if it cannot; both may be called in another process. Returns the exit code.
int serve_view(ViewPlan plan, const Build& build, const std::function<void()>& ready,
               const std::function<void(const OperatorError&)>& refused);

// Goes on with the view whose state memory is `state_fd`, which this process inherited with all
// its descriptors. Refused: the state is not understood; nothing has been changed then.
Outcome<int> resume_view(int state_fd, const Build& build);

// Would resume_view() understand it? Changes nothing.
Outcome<void> check_state_of_view(int state_fd);

}  // namespace cvfs
