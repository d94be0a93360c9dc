// Supervisor: the process of a view that keeps what the others need: the connection, the state
// memory, all descriptors. It starts a worker and a standby and another one whenever one dies,
// answers the control socket, and hands the view over to other builds. Nothing that containers do
// reaches it. One thread.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/control_server.h"
#include "daemon/hang_watch.h"
#include "daemon/served_view.h"
#include "daemon/upgrade.h"
#include "sys/process.h"

namespace cvfs {

// Signals that a supervisor takes by ServedView::signals: SIGTERM and SIGINT unmount the view,
// unless it is busy; SIGHUP goes on with the build that is installed. Blocked from here on, in the
// processes it starts, too: a SIGTERM to the whole session does not kill a worker.
Outcome<UniqueFd> take_supervised_signals();
// Those that came while this process was none: they went to all of the view's processes, and the
// supervisor has done what they asked for. Else they would be done again, days later.
void forget_signals(const ServedView& view);

// What the process is that comes back from Supervisor::run(): it starts others by fork.
enum class Role {
  kStandby,
  kWorker,
  kEnded,       // the view has
  kSuperseded,  // another build has the view: end without a trace
};

// How this process came to be the supervisor.
enum class Accession {
  kMounted,     // it made the mount
  kSucceeded,   // its predecessor died
  kRolledBack,  // its predecessor became another build, which failed
  kExecuted,    // another build, or a worker that was left alone, became this program
};

class Supervisor {
 public:
  Supervisor(const ServedView& view, Accession accession);

  // Comes back in a new process with its role, and in this one when the view has ended.
  // Once a process has been forked, the object must not be destroyed in it: its descriptors are
  // everybody's.
  Role run();

  int exit_code() const { return exit_code_; }
  // Why nobody has come to serve, if that was not a worker's to say.
  const std::optional<OperatorError>& refusal() const { return refusal_; }
  // Descriptors that this process needs beside lasting_descriptors().
  std::vector<int> descriptors() const;

 private:
  std::optional<Role> take_over();
  std::optional<Role> note_self();
  std::optional<Role> give_up(const OperatorError& error);
  void succeed();
  void come_from_another_program();
  bool is_superseded() const;
  std::optional<Role> keep_worker();
  std::optional<Role> start_worker();
  std::optional<Role> hand_over();
  std::optional<Role> keep_standby();
  bool has_standby();
  std::optional<Role> start_standby();
  bool worker_is_starting() const;
  bool collect_worker();
  void note_drained_worker(const sys::ProcessEnd& end);
  void note_worker_death(int pid, const sys::ProcessEnd& end);
  void delay_worker(bool has_served);
  void worker_came_to_serve();
  void end_replaced_standby();
  void end_upgrade();
  int until_worker_is_late() const;
  void end_worker_that_drains();
  int until_hang_check() const;
  void end_worker_that_hangs();
  void wait();
  void wait_for_starting_worker();
  int timeout_ms() const;
  void serve(const std::vector<pollfd>& polled);
  void take_signals();
  std::string change(const ControlCommand& command);
  std::optional<std::string> answer(const ControlCommand& command, int client_fd);

  const ServedView& view_;
  ViewState& memory_;
  Accession accession_;
  std::optional<ControlServer> control_;
  Upgrade upgrade_;
  HangWatch hangs_;
  std::string hung_;               // why we ended the worker; empty: we did not
  UniqueFd predecessor_;           // that died
  UniqueFd replaced_standby_;      // of the build that we took over from
  bool has_ready_worker_ = false;  // its worker_is_ready has been seen, and acted upon
  bool has_killed_late_worker_ = false;
  bool has_open_event_ = false;  // the last one: how long the pause was is not known yet
  std::uint64_t worker_started_us_ = 0;
  std::uint64_t next_worker_us_ = 0;
  std::uint64_t next_standby_us_ = 0;
  std::uint64_t next_hang_check_us_ = 0;
  int delay_ms_ = 0;   // between the last worker's death and the next one's start
  int exit_code_ = 0;  // of a worker that could not take the view over before any had served
  std::optional<OperatorError> refusal_;
  // The supervisor's and the standby's pidfds when the worker was started. If the standby takes
  // over while the worker looks at what is open, the records change, and ours is the standby's to
  // close.
  std::vector<int> pidfds_at_start_;
};

}  // namespace cvfs
