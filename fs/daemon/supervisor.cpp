#include "daemon/supervisor.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/log.h"
#include "daemon/mount_namespace.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// Between two starts: none at first, longer and longer if they do not help.
constexpr int kFirstDelayMs = 5;
constexpr int kLongestDelayMs = 2'000;     // of workers that never came to serve
constexpr int kLongestServedDelayMs = 20;  // of those that did: containers wait
// A worker that lived this long before it died did help.
constexpr std::uint64_t kHealthyUs = 100'000;

sigset_t supervised_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
  return signals;
}

// It inherits the blocked signals: a SIGTERM to the whole session unmounts by way of the
// supervisor, and does not kill the worker.
[[noreturn]] void be_worker(const ViewPlan& plan, const Connection& connection,
                            const std::function<void()>& ready,
                            const std::function<void(const OperatorError&)>& refused) {
  ::prctl(PR_SET_NAME, "cvfsd-worker");
  const OperatorError error = run_worker(plan, connection, ready);
  if (connection.state->view().serving == 0) {
    refused(error);
  } else {
    spdlog::error("cannot go on: {}", error.message());
  }
  ::_exit(static_cast<int>(error.code));
}

void unmount(const ViewPlan& plan) {
  const auto unmounted = unmount_view(plan, 0);  // the worker sees it and ends
  if (!unmounted) spdlog::warn("asked to end: {}", unmounted.error().message());
}

// Waits for the worker's end and serves the signals meanwhile. Returns what waitpid(2) says.
int await_end(pid_t worker, const sigset_t& signals, const ViewPlan& plan) {
  for (;;) {
    int status = 0;
    if (::waitpid(worker, &status, WNOHANG) == worker) return status;
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGTERM || signal == SIGINT) unmount(plan);
  }
}

int next_delay(int delay_ms, bool has_served, std::uint64_t lived_us) {
  if (has_served && lived_us >= kHealthyUs) return 0;
  const int longest = has_served ? kLongestServedDelayMs : kLongestDelayMs;
  return std::clamp(delay_ms * 2, kFirstDelayMs, longest);
}

bool has_ended(int device_fd) {
  pollfd connection{device_fd, 0, 0};
  return ::poll(&connection, 1, 0) == 1 && (connection.revents & (POLLERR | POLLNVAL)) != 0;
}

}  // namespace

void block_supervised_signals() {
  const sigset_t signals = supervised_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

int supervise(const ViewPlan& plan, const Connection& connection,
              const std::function<void()>& ready,
              const std::function<void(const OperatorError&)>& refused) {
  const sigset_t signals = supervised_signals();
  ViewState& view = connection.state->view();
  int delay_ms = 0;
  for (;;) {
    bool has_served = false;
    const std::uint64_t started = sys::monotonic_us();
    const auto worker = sys::fork_sharing_descriptors();
    if (worker && *worker == 0) be_worker(plan, connection, ready, refused);
    if (!worker) {
      spdlog::error("cannot start a worker: {}", std::strerror(worker.error().value));
    } else {
      const int status = await_end(*worker, signals, plan);
      if (has_ended(connection.device_fd)) return 0;
      // The worker takes it away when it serves: what is still there is an earlier one's.
      std::uint64_t none = 0;
      has_served = view.died_at_us.compare_exchange_strong(none, sys::monotonic_us());
      view.died_of_fault = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
      if (view.serving == 0) return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
      ++view.restarts;
      spdlog::error("worker {} of {} died ({}); starting another", *worker, plan.target,
                    sys::how_it_ended(status));
    }
    delay_ms = next_delay(delay_ms, has_served, sys::monotonic_us() - started);
    if (!has_ended(connection.device_fd)) ::poll(nullptr, 0, delay_ms);
  }
}

}  // namespace cvfs
