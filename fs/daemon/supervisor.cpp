#include "daemon/supervisor.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "control/control_message.h"
#include "daemon/fault_report.h"
#include "daemon/live_settings.h"
#include "daemon/mount_namespace.h"
#include "daemon/process_record.h"
#include "daemon/view_events.h"
#include "daemon/view_locks.h"
#include "daemon/view_metrics.h"
#include "daemon/view_status.h"
#include "daemon/view_waits.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// Between two starts: none at first, longer and longer if they do not help.
constexpr int kFirstDelayMs = 5;
constexpr int kLongestDelayMs = 2'000;     // of workers that never came to serve
constexpr int kLongestServedDelayMs = 20;  // of those that did: containers wait
constexpr int kStandbyDelayMs = 20;
// A worker that lived this long before it died did help.
constexpr std::uint64_t kHealthyUs = 100'000;
// How often a worker that starts is looked at. After so long without one that serves, the others
// are heard as well, though it may still be starting: it is looked at less often then.
constexpr int kStartingMs = 5;
constexpr std::uint64_t kMostStartingUs = 5'000'000;
constexpr int kSlowStartMs = 100;

int next_delay(int delay_ms, bool has_served, std::uint64_t lived_us) {
  if (has_served && lived_us >= kHealthyUs) return 0;
  const int longest = has_served ? kLongestServedDelayMs : kLongestDelayMs;
  return std::clamp(delay_ms * 2, kFirstDelayMs, longest);
}

// -1 is for ever.
int sooner(int a_ms, int b_ms) {
  if (a_ms < 0 || b_ms < 0) return std::max(a_ms, b_ms);
  return std::min(a_ms, b_ms);
}

OperatorError cannot_supervise(const std::string& what, Errno error) {
  return {ExitCode::kSystem, "", "cannot " + what + ": " + std::strerror(error.value), ""};
}

// Which of its requests the next one is to count it for.
void note_worker_end(ViewState& memory, const sys::ProcessEnd& end,
                     const std::optional<FaultReport>& fault) {
  memory.faulty_request = fault ? fault->request : 0;
  memory.worker_end = fault            ? WorkerEnd::kFaultedAt
                      : end.is_fault() ? WorkerEnd::kFaulted
                                       : WorkerEnd::kKilled;
}

void log_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) spdlog::error(line);
}

}  // namespace

Outcome<UniqueFd> take_supervised_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return refuse({ExitCode::kSystem, "signalfd", std::strerror(errno), ""});
  return fd;
}

void forget_signals(const ServedView& view) {
  signalfd_siginfo info{};
  while (::read(view.signals.get(), &info, sizeof info) == sizeof info) continue;
}

Supervisor::Supervisor(const ServedView& view, Accession accession)
    : view_(view),
      memory_(view.memory()),
      accession_(accession),
      upgrade_(view),
      hangs_(*view.state, hang_limit_of(view)),
      worker_started_us_(sys::monotonic_us()) {
  // A predecessor may have been told something else since this process was forked.
  apply_log_level(view);
  if (view.control >= 0) control_ = ControlServer::adopt(view.control, view.control_path);
}

std::vector<int> Supervisor::descriptors() const {
  std::vector<int> descriptors = upgrade_.descriptors();
  if (control_) {
    const std::vector<int> control = control_->descriptors();
    descriptors.insert(descriptors.end(), control.begin(), control.end());
  }
  descriptors.insert(descriptors.end(), pidfds_at_start_.begin(), pidfds_at_start_.end());
  for (const UniqueFd* fd : {&predecessor_, &replaced_standby_}) {
    if (*fd) descriptors.push_back(fd->get());
  }
  return descriptors;
}

Role Supervisor::run() {
  if (const auto role = take_over()) return *role;
  // Before the worker takes the state: from then on nobody else of ours would be there to go on.
  if (accession_ == Accession::kExecuted) {
    if (const auto role = start_standby()) return *role;
  }
  for (;;) {
    if (const auto role = keep_worker()) return *role;
    if (const auto role = keep_standby()) return *role;
    wait();
  }
}

// ---- coming to be the supervisor

std::optional<Role> Supervisor::take_over() {
  const bool was_standby =
      accession_ == Accession::kSucceeded || accession_ == Accession::kRolledBack;
  if (was_standby) forget_signals(view_);
  if (accession_ == Accession::kSucceeded) {
    succeed();
    return std::nullopt;
  }
  if (accession_ == Accession::kExecuted) come_from_another_program();
  if (memory_.supervisor.pid == ::getpid() && is_recorded(memory_.supervisor)) return std::nullopt;
  return note_self();
}

// Without it neither worker nor standby would see our end.
std::optional<Role> Supervisor::note_self() {
  auto own = sys::open_pidfd(::getpid());
  while (!own) {
    if (const auto role = give_up(cannot_supervise("open a pidfd", own.error()))) return role;
    ::poll(nullptr, 0, kStandbyDelayMs);
    own = sys::open_pidfd(::getpid());
  }
  memory_.supervisor.pid = ::getpid();
  memory_.supervisor.pidfd = own->release();
  return std::nullopt;
}

// Where that leaves the view to somebody, or there is none yet. nullopt: it does not.
std::optional<Role> Supervisor::give_up(const OperatorError& error) {
  if (memory_.serving == 0) {
    refusal_ = error;
    exit_code_ = static_cast<int>(error.code);
    return Role::kEnded;
  }
  spdlog::error(error.message());
  const bool is_replaceable = replaced_standby_ && !sys::await_end(replaced_standby_.get(), 0);
  if (is_replaceable && is_superseded()) return Role::kSuperseded;
  return std::nullopt;
}

// The standby becomes the supervisor: its record moves.
void Supervisor::succeed() {
  const auto end = await_end(memory_.supervisor, 0);
  // In this order: the worker must not find that there is neither.
  memory_.supervisor.pid = memory_.standby.pid.load();
  const int predecessor = memory_.supervisor.pidfd.exchange(memory_.standby.pidfd);
  if (predecessor > 0) predecessor_.reset(predecessor);
  memory_.standby.pidfd = 0;
  memory_.standby.pid = 0;
  ++memory_.supervisor_deaths;
  note_event(memory_, ViewEventKind::kSupervisorDied, end ? end->text() : "");
  // The worker waits for the predecessor's descriptor, by its number, and poll(2) looks the number
  // up again when it is woken: if that is another's by then, it would sleep on, and never hear of
  // our own end. Before we close it.
  ::eventfd_write(view_.worker_bell.get(), 1);
}

// Our number is the same as before. The standby is the other program's, which goes on with the
// state if we fail; the worker, too, was its.
void Supervisor::come_from_another_program() {
  replaced_standby_ = take_pidfd(memory_.standby);
  memory_.worker.pidfd = 0;
  if (memory_.supervisor.pid == ::getpid()) return;
  ++memory_.supervisor_deaths;
  ++memory_.standby_deaths;
  note_event(memory_, ViewEventKind::kSupervisorDied, "together with the standby");
  has_open_event_ = true;
}

// Another generation has the state, or keeps it: ours has nothing to do here.
bool Supervisor::is_superseded() const {
  return current_generation(memory_) != view_.generation;
}

// ---- the worker

bool Supervisor::worker_is_starting() const {
  return is_recorded(memory_.worker) && !has_ready_worker_ &&
         sys::monotonic_us() - worker_started_us_ < kMostStartingUs;
}

// nullopt: go on being what we are.
std::optional<Role> Supervisor::keep_worker() {
  if (is_recorded(memory_.worker)) {
    if (!collect_worker()) return std::nullopt;
    if (is_superseded()) return Role::kSuperseded;
    if (exit_code_ != 0) return Role::kEnded;
  }
  if (has_ended(view_)) return Role::kEnded;
  if (upgrade_.is_draining()) {
    if (const auto role = hand_over()) return role;
  }
  if (sys::monotonic_us() < next_worker_us_) return std::nullopt;
  return start_worker();
}

std::optional<Role> Supervisor::start_worker() {
  memory_.worker_is_ready = 0;
  memory_.draining = 0;
  has_ready_worker_ = false;
  has_killed_late_worker_ = false;
  hung_.clear();
  worker_started_us_ = sys::monotonic_us();
  pidfds_at_start_ = {memory_.supervisor.pidfd, memory_.standby.pidfd};
  const auto is_worker = start_process(memory_.worker);
  if (is_worker && *is_worker) return Role::kWorker;
  if (is_worker) return std::nullopt;
  delay_worker(false);
  return give_up(cannot_supervise("start a worker", is_worker.error()));
}

void Supervisor::delay_worker(bool has_served) {
  const std::uint64_t now = sys::monotonic_us();
  delay_ms_ = next_delay(delay_ms_, has_served, now - worker_started_us_);
  next_worker_us_ = now + static_cast<std::uint64_t>(delay_ms_) * 1000;
}

// False: it lives.
bool Supervisor::collect_worker() {
  const auto end = await_end(memory_.worker, 0);
  if (!end) {
    if (!has_ready_worker_ && memory_.worker_is_ready != 0) worker_came_to_serve();
    return false;
  }
  const int pid = memory_.worker.pid;
  forget_process(memory_.worker);
  if (has_ended(view_) || is_superseded()) return true;
  if (memory_.draining != 0) {
    note_drained_worker(*end);
    return true;
  }
  if (memory_.serving == 0) {
    const bool has_exited = end->is_known && WIFEXITED(end->status);
    exit_code_ = has_exited ? WEXITSTATUS(end->status) : static_cast<int>(ExitCode::kInternal);
    return true;
  }
  note_worker_death(pid, *end);
  return true;
}

// Asked to end, or killed as it took too long: what an earlier one died of is no fault of the
// requests that it had, and what it died of itself is none of a later one's.
void Supervisor::note_drained_worker(const sys::ProcessEnd& end) {
  const auto fault = take_fault(*view_.state);
  note_worker_end(memory_, end, fault);
  if (fault) log_lines(fault->lines);
}

void Supervisor::note_worker_death(int pid, const sys::ProcessEnd& end) {
  // The worker takes it away when it serves: what is still there is an earlier one's.
  std::uint64_t none = 0;
  memory_.died_at_us.compare_exchange_strong(none, sys::monotonic_us());
  const auto fault = take_fault(*view_.state);
  note_worker_end(memory_, end, fault);
  ++memory_.restarts;
  if (hung_.empty()) {
    note_event(memory_, ViewEventKind::kWorkerDied, fault ? fault->lines.front() : end.text());
  } else {
    ++memory_.hangs;
    note_event(memory_, ViewEventKind::kWorkerHung, std::exchange(hung_, {}));
  }
  has_open_event_ = true;
  if (fault) log_lines(fault->lines);
  delay_worker(memory_.worker_is_ready != 0);
  spdlog::error("worker {} of {} died ({}); starting another", pid, view_.target(), end.text());
}

void Supervisor::worker_came_to_serve() {
  has_ready_worker_ = true;
  if (has_open_event_) note_pause_of_last_event(memory_, memory_.last_pause_us);
  has_open_event_ = false;
  if (predecessor_) {
    spdlog::error("the supervisor of {} died; its standby goes on in its place", view_.target());
    predecessor_.reset();
  }
  end_replaced_standby();
  if (memory_.upgrade_by != 0 && !upgrade_.is_under_way()) end_upgrade();
}

// The state is ours: it has nothing to go on with. One that was stopped, and so did not come to its
// turn when its supervisor died, does not see that by itself.
void Supervisor::end_replaced_standby() {
  if (!replaced_standby_) return;
  (void)sys::send_signal(replaced_standby_.get(), SIGKILL);
  (void)sys::await_end(replaced_standby_.get(), 1000);
  replaced_standby_.reset();
}

// Whoever began it, and whoever of us was there meanwhile: how did it end?
void Supervisor::end_upgrade() {
  if (memory_.upgrade_by != view_.generation + 1) {
    view_.state->retire_older();
    return report_upgraded(view_);
  }
  report_upgrade_failed(view_, {ExitCode::kSystem, view_.target(),
                                accession_ == Accession::kRolledBack
                                    ? "the other build did not come to serve; this one goes on"
                                    : "the supervisor died over it; the view is served on",
                                "look for their messages in the log, and try again"});
}

// ---- the end of an upgrade

// Nobody else would go on with the view if the other build fails.
std::optional<Role> Supervisor::hand_over() {
  if (!has_standby()) {
    if (const auto role = start_standby()) return role;
  }
  if (is_recorded(memory_.standby)) {
    upgrade_.hand_over();
  } else {
    upgrade_.fail({ExitCode::kSystem, view_.target(),
                   "there is no standby, who goes on if the other build fails, and none can be "
                   "started",
                   "look for the reason in the log, and try again"});
  }
  return std::nullopt;
}

// ---- the standby

std::optional<Role> Supervisor::keep_standby() {
  if (memory_.serving == 0 || worker_is_starting()) return std::nullopt;
  if (has_standby() || sys::monotonic_us() < next_standby_us_) return std::nullopt;
  return start_standby();
}

bool Supervisor::has_standby() {
  if (!is_recorded(memory_.standby)) return false;
  const auto end = await_end(memory_.standby, 0);
  if (!end) return true;
  forget_process(memory_.standby);
  ++memory_.standby_deaths;
  note_event(memory_, ViewEventKind::kStandbyDied, end->text());
  spdlog::warn("the standby of {} died ({}); starting another", view_.target(), end->text());
  return false;
}

std::optional<Role> Supervisor::start_standby() {
  next_standby_us_ = sys::monotonic_us() + kStandbyDelayMs * 1000;
  const auto is_standby = start_process(memory_.standby);
  if (is_standby && *is_standby) return Role::kStandby;
  if (!is_standby) {
    spdlog::error("cannot start a standby: {}", std::strerror(is_standby.error().value));
  }
  return std::nullopt;
}

// ---- waiting

void Supervisor::wait() {
  if (worker_is_starting()) return wait_for_starting_worker();
  std::vector<pollfd> awaited{{view_.signals.get(), POLLIN, 0}};
  for (const ProcessRecord* process : {&memory_.worker, &memory_.standby}) {
    if (is_recorded(*process)) awaited.push_back({process->pidfd, POLLIN, 0});
  }
  upgrade_.add_to(awaited);
  if (control_) control_->add_to(awaited);
  if (::poll(awaited.data(), awaited.size(), timeout_ms()) >= 0) serve(awaited);
}

// It looks at which descriptors there are: until it serves, none is opened or closed here, but for
// those that records name.
void Supervisor::wait_for_starting_worker() {
  pollfd worker{memory_.worker.pidfd, POLLIN, 0};
  (void)::poll(&worker, 1, kStartingMs);
  // It may hang over a request that is sent again; then it is past looking at descriptors.
  end_worker_that_hangs();
  end_worker_that_drains();
}

// -1: for ever.
int Supervisor::timeout_ms() const {
  int timeout = sooner(upgrade_.timeout_ms(), until_hang_check());
  timeout = sooner(timeout, until_worker_is_late());
  if (!is_recorded(memory_.worker)) {
    timeout = sooner(timeout, sys::ms_until(next_worker_us_));
  } else if (!has_ready_worker_) {
    timeout = sooner(timeout, kSlowStartMs);
  }
  if (!is_recorded(memory_.standby)) timeout = sooner(timeout, sys::ms_until(next_standby_us_));
  if (control_) timeout = sooner(timeout, control_->timeout_ms());
  return timeout;
}

void Supervisor::serve(const std::vector<pollfd>& polled) {
  take_signals();
  end_worker_that_hangs();
  end_worker_that_drains();
  upgrade_.go_on();
  if (!control_) return;
  control_->serve(polled, [this](const ControlCommand& command, int client_fd) {
    return answer(command, client_fd);
  });
}

// Of one that has been told to end for an upgrade, by us or by a predecessor that died over it.
// -1: it has not, or has been killed.
int Supervisor::until_worker_is_late() const {
  if (memory_.draining == 0 || !is_recorded(memory_.worker) || has_killed_late_worker_) return -1;
  return sys::ms_until(memory_.died_at_us + kDrainUs);
}

void Supervisor::end_worker_that_drains() {
  if (until_worker_is_late() != 0) return;
  (void)sys::send_signal(memory_.worker.pidfd, SIGKILL);
  has_killed_late_worker_ = true;
}

// -1: never.
int Supervisor::until_hang_check() const {
  return hangs_.timeout_ms() < 0 ? -1 : sys::ms_until(next_hang_check_us_);
}

void Supervisor::end_worker_that_hangs() {
  if (!is_recorded(memory_.worker) || until_hang_check() != 0) return;
  next_hang_check_us_ =
      sys::monotonic_us() + static_cast<std::uint64_t>(hangs_.timeout_ms()) * 1000;
  // While a worker starts, nothing is opened here.
  const auto stopped =
      worker_is_starting() ? std::nullopt : hangs_.find_stopped(memory_.worker.pid);
  if (stopped) spdlog::error(*stopped);
  const auto report = hangs_.check(memory_.worker.pid);
  if (!report) return;
  log_lines(report->lines);
  if (!report->replace) return;
  hung_ = report->lines.empty() ? "hung" : report->lines.front();
  (void)sys::send_signal(memory_.worker.pidfd, SIGKILL);
}

void Supervisor::take_signals() {
  signalfd_siginfo info{};
  while (::read(view_.signals.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGHUP) {
      upgrade_.begin("", -1);
    } else if (const auto unmounted = unmount_view(view_.plan, 0); !unmounted) {
      spdlog::warn("asked to end: {}", unmounted.error().message());
    }
  }
}

std::string Supervisor::change(const ControlCommand& command) {
  auto changed = change_setting(view_, command.name, command.value);
  if (!changed) return error_reply(changed.error());
  hangs_.set_limit(hang_limit_of(view_));
  next_hang_check_us_ = 0;
  return ok_reply(std::move(*changed));
}

std::optional<std::string> Supervisor::answer(const ControlCommand& command, int client_fd) {
  if (command.verb == ControlVerb::kStatus) return ok_reply({{"view", status_of(view_)}});
  if (command.verb == ControlVerb::kMetrics) return ok_reply({{"metrics", metrics_of(view_)}});
  if (command.verb == ControlVerb::kLocks) return ok_reply({{"locks", locks_of(view_)}});
  if (command.verb == ControlVerb::kWaits) return ok_reply(to_json(waits_of(view_)));
  if (command.verb == ControlVerb::kSet) return change(command);
  upgrade_.begin(command.cvfsd, client_fd);
  return std::nullopt;
}

}  // namespace cvfs
