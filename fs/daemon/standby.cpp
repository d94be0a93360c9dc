#include "daemon/standby.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>

#include "daemon/process_record.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// From the offer of the state to its being accepted. A build that takes longer has failed.
constexpr int kOfferMs = 2'000;
// How long the next build's standby waits for the other one's decision.
constexpr int kDecisionMs = 2 * kOfferMs;

enum class StandbyWake { kSupervisorEnded, kBell, kTimeout };

StandbyWake sleep_until_woken(const ServedView& view, int supervisor_pidfd, int timeout_ms) {
  pollfd awaited[] = {{supervisor_pidfd, POLLIN, 0}, {view.standby_bell.get(), POLLIN, 0}};
  for (;;) {
    const int found = ::poll(awaited, std::size(awaited), timeout_ms);
    if (found < 0) continue;
    if (found == 0) return StandbyWake::kTimeout;
    if (awaited[0].revents != 0) return StandbyWake::kSupervisorEnded;
    eventfd_t rung = 0;
    (void)::eventfd_read(view.standby_bell.get(), &rung);
    return StandbyWake::kBell;
  }
}

// Ours is the build that was offered the state, and the supervisor died over it. If the other
// build's standby is there, it takes the state back at once.
Succession after_unaccepted_offer(const ServedView& view) {
  ViewState& memory = view.memory();
  for (int waited = 0; is_offered(memory) && waited < kDecisionMs; waited += 5) {
    ::poll(nullptr, 0, 5);
  }
  return accept_state(memory, view.generation) ? Succession::kSupervise : Succession::kEnd;
}

// The numbers there are those of the other build's descriptors. Nobody else goes on with the state.
void become_the_only_process(const ServedView& view) {
  ViewState& memory = view.memory();
  for (ProcessRecord* record : {&memory.supervisor, &memory.standby, &memory.worker}) {
    record->pid = 0;
    record->pidfd = 0;
  }
}

}  // namespace

Succession stand_by(const ServedView& view) {
  ViewState& memory = view.memory();
  const int supervisor = memory.supervisor.pidfd;
  const auto is_ours = [&] { return current_generation(memory) == view.generation; };
  bool is_withdrawn = false;
  StandbyWake wake = StandbyWake::kBell;
  while (wake != StandbyWake::kSupervisorEnded) {
    wake = sleep_until_woken(view, supervisor, is_offered(memory) && is_ours() ? kOfferMs : -1);
    if (wake == StandbyWake::kTimeout && withdraw_offer(memory, view.generation)) {
      is_withdrawn = true;
      (void)sys::send_signal(supervisor, SIGKILL);
    }
  }
  if (is_offered(memory) && is_ours()) is_withdrawn = withdraw_offer(memory, view.generation);
  if (is_offered(memory) && !is_ours()) return after_unaccepted_offer(view);
  if (!is_ours()) return Succession::kEnd;
  if (!is_withdrawn) return Succession::kSupervise;
  become_the_only_process(view);
  return Succession::kRolledBack;
}

}  // namespace cvfs
