#include "daemon/orphan.h"

#include <poll.h>

#include <cstring>

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
  view.memory().died_at_us = sys::monotonic_us();
  if (const auto written = write_view_record(view); !written) {
    return spdlog::error("cannot: {}", written.error().message());
  }
  forget_signals(view);
  become_program(view, "/proc/self/exe");
  spdlog::error("cannot: {}", std::strerror(errno));
}

}  // namespace cvfs
