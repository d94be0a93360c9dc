// Standby: a process of a view that sleeps until its supervisor dies, and goes on in its place: it
// shares the descriptors and the state memory. One thread.
#pragma once

#include "daemon/served_view.h"

namespace cvfs {

enum class Succession {
  kSupervise,   // the supervisor died: we are it now
  kRolledBack,  // the same, and it died of becoming another build: nothing that it made counts
  kEnd,         // another build has the view, and a standby of its own
};

// Sleeps until there is something to do. `generation` of the view is ours.
Succession stand_by(const ServedView& view);

}  // namespace cvfs
