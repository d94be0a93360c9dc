// ServedView: what each process of a view has in hand: the plan, the connection, the state memory
// and the descriptors by which they call each other. The same in all of them, as they are forks of
// one process; a build that takes over reads it from the state memory (daemon/view_record.h).
// Does not change while the view is served.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/handover.h"
#include "daemon/view_plan.h"
#include "fuse/handshake.h"
#include "journal/state_memory.h"

namespace cvfs {

struct ServedView {
  ViewPlan plan;
  UniqueFd device;  // /dev/fuse, mounted and initialised
  Handshake handshake;
  std::shared_ptr<StateMemory> state;
  UniqueFd watch;         // fanotify(7): what others do to the backing; empty: nothing is told
  UniqueFd watch_place;   // what keeps its place among the filesystem's watches
  UniqueFd signals;       // signalfd(2): what the supervisor is told
  UniqueFd worker_bell;   // eventfd(2): the worker is to look up
  UniqueFd standby_bell;  // the same for the standby
  int control = -1;       // the listening socket; -1: there could be none
  std::string control_path;
  std::int64_t mounted_at = 0;  // CLOCK_REALTIME, seconds

  std::string version;     // of this build
  std::string replaced;    // the version that this build took over from; empty: it mounted
  std::string program;     // its file, as it was when it started
  bool to_syslog = false;  // in the background
  int log = -1;            // the log's socket, borrowed, of all this program's processes; -1: none
  // This program was begun by a worker, which is confined for good (daemon/orphan.h). Not in the
  // state memory: a worker may not say so of others.
  bool is_confined = false;
  Generation generation = 0;

  ViewState& memory() const { return state->view(); }
  const std::string& target() const { return plan.target; }
};

// Descriptors that live as long as the view.
std::vector<int> lasting_descriptors(const ServedView& view);

// Has the view been unmounted?
bool has_ended(const ServedView& view);

}  // namespace cvfs
