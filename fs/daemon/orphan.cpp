#include "daemon/orphan.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "base/log.h"
#include "daemon/process_record.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade.h"
#include "daemon/view_record.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// A standby needs less than a millisecond, if it lives and the machine is not busy.
constexpr std::uint64_t kMostUs = 2'000'000;

constexpr int kRetryMs = 20;

// The worker's threads may be at requests that wait. They must not get on while the program is
// started: what they opened then would not outlive execve(2), and the tables would say it did. So a
// process of its own starts it, after the worker's end; the journal knows what that was at.
[[noreturn]] void succeed_worker(const ServedView& view) {
  const int worker = view.memory().worker.pidfd;
  (void)sys::send_signal(worker, SIGKILL);
  pollfd ended{worker, POLLIN, 0};
  while (::poll(&ended, 1, -1) < 1) continue;
  become_program(view, "/proc/self/exe", true);
  ::_exit(static_cast<int>(ExitCode::kSystem));
}

bool is_alive(const ProcessRecord& record) {
  return is_recorded(record) && !await_end(record, 0);
}

}  // namespace

bool is_succeeded(const ServedView& view) {
  const ViewState& memory = view.memory();
  const std::uint64_t until_us = sys::monotonic_us() + kMostUs;
  while (sys::monotonic_us() < until_us) {
    const int supervisor = memory.supervisor.pid;
    if (is_alive(memory.supervisor)) return true;
    // A standby that has just become the supervisor, and died, may have left another one.
    if (!is_alive(memory.standby) && memory.supervisor.pid == supervisor) return false;
    ::poll(nullptr, 0, 2);
  }
  return is_alive(memory.supervisor);
}

void become_supervisor(const ServedView& view) {
  spdlog::error("the supervisor and the standby of {} died at once; starting them again",
                view.target());
  ViewState& memory = view.memory();
  memory.died_at_us = sys::monotonic_us();
  memory.worker_end = WorkerEnd::kKilled;
  // The next generation ends an upgrade that it has not begun: not as the build that was asked for.
  if (memory.upgrade_by != 0) memory.upgrade_by = view.generation + 2;
  if (const auto written = write_view_record(view); !written) {
    return spdlog::error("cannot: {}", written.error().message());
  }
  forget_signals(view);
  sys::limit_descriptors(0);  // that of the child's end is one
  for (;;) {
    std::int32_t pid = 0;
    std::int32_t pidfd = 0;
    const auto forked = sys::fork_sharing_descriptors(&pid, &pidfd);
    if (forked && *forked == 0) succeed_worker(view);
    // It ends us, but for one that dies before that.
    if (forked) (void)sys::await_end(UniqueFd(pidfd).get(), -1);
    ::poll(nullptr, 0, kRetryMs);
  }
}

}  // namespace cvfs
