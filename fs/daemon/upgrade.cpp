#include "daemon/upgrade.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "control/control_message.h"
#include "control/control_server.h"
#include "daemon/view_events.h"
#include "daemon/view_record.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// How long a build may take to say that it understands the state: the worker serves meanwhile.
constexpr std::uint64_t kCheckUs = 10'000'000;
constexpr std::size_t kMostSaid = 2000;

std::string number(int value) {
  return std::to_string(value);
}

// The check's own process: nothing of ours but the state memory and what it says there.
[[noreturn]] void be_check(pid_t supervisor, const std::string& program, int state_fd,
                           int output_fd) {
  // Nobody else knows of us: one that hangs must not keep the state memory for ever.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(static_cast<int>(ExitCode::kSystem));
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output_fd, STDOUT_FILENO);
  ::dup2(output_fd, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  ::fcntl(state_fd, F_SETFD, 0);
  ::execl(program.c_str(), "cvfsd", ("--check-state=" + number(state_fd)).c_str(), nullptr);
  ::dprintf(STDOUT_FILENO, "cannot start it: %s", std::strerror(errno));
  ::_exit(static_cast<int>(ExitCode::kSystem));
}

void keep_over_exec(int fd, void*) {
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags >= 0) ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

void answer_client(const ServedView& view, const std::string& line) {
  const int client_fd = view.memory().upgrade_client.exchange(0);
  if (client_fd <= 0) return;
  const UniqueFd client(client_fd);
  send_reply(client.get(), line);
}

}  // namespace

void Upgrade::begin(const std::string& program, int client_fd) {
  if (stage_ != Stage::kIdle) {
    const UniqueFd client(client_fd);
    if (!client) return;
    send_reply(client.get(), error_reply({ExitCode::kSystem, view_.target(),
                                          "an upgrade is under way", "wait for its end"}));
    return;
  }
  program_ = program.empty() ? view_.program : program;
  view_.memory().upgrade_client = std::max(client_fd, 0);
  view_.memory().upgrade_by = view_.generation + 1;
  const auto started = start_check();
  if (!started) fail(started.error());
}

Outcome<void> Upgrade::start_check() {
  TRY(write_view_record(view_));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
    return refuse({ExitCode::kSystem, "pipe", std::strerror(errno), ""});
  }
  check_output_.reset(ends[0]);
  const UniqueFd write_end(ends[1]);
  const pid_t supervisor = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) be_check(supervisor, program_, view_.state->fd(), write_end.get());
  auto pidfd = pid < 0 ? Result<UniqueFd>(last_error()) : sys::open_pidfd(pid);
  if (!pidfd) {
    if (pid > 0) ::kill(pid, SIGKILL);
    return refuse({ExitCode::kSystem, "fork", std::strerror(pidfd.error().value), ""});
  }
  check_ = std::move(*pidfd);
  said_.clear();
  deadline_us_ = sys::monotonic_us() + kCheckUs;
  stage_ = Stage::kChecking;
  return {};
}

std::vector<int> Upgrade::descriptors() const {
  std::vector<int> descriptors;
  for (const int fd : {check_.get(), check_output_.get(), view_.memory().upgrade_client.load()}) {
    if (fd > 0) descriptors.push_back(fd);
  }
  return descriptors;
}

void Upgrade::add_to(std::vector<pollfd>& polled) const {
  if (stage_ != Stage::kChecking) return;
  polled.push_back({check_.get(), POLLIN, 0});
  if (check_output_) polled.push_back({check_output_.get(), POLLIN, 0});
}

int Upgrade::timeout_ms() const {
  return stage_ == Stage::kChecking ? sys::ms_until(deadline_us_) : -1;
}

void Upgrade::read_check() {
  char buffer[512];
  for (;;) {
    const ssize_t got = ::read(check_output_.get(), buffer, sizeof buffer);
    if (got < 0) return;
    if (got == 0) return check_output_.reset();
    if (said_.size() < kMostSaid) said_.append(buffer, static_cast<std::size_t>(got));
  }
}

void Upgrade::go_on() {
  if (stage_ == Stage::kChecking) follow_check(sys::monotonic_us() >= deadline_us_);
}

void Upgrade::follow_check(bool is_late) {
  if (check_output_) read_check();
  if (is_late) (void)sys::send_signal(check_.get(), SIGKILL);
  const auto end = sys::await_end(check_.get(), is_late ? -1 : 0);
  if (!end) return;
  if (check_output_) read_check();
  if (is_late) return end_check("it does not answer");
  if (end->is_fault() || !end->is_known) return end_check(said_.empty() ? end->text() : said_);
  end_check(said_.starts_with("{\"cvfsd\"") ? "" : "it is no cvfsd");
}

void Upgrade::end_check(const std::string& fault) {
  check_.reset();
  check_output_.reset();
  if (fault.empty()) return drain();
  fail({ExitCode::kSystem, program_,
        "this build cannot take the view over: " + fault.substr(0, fault.find('\n')),
        "unmount the view and mount it again to go on with it"});
}

void Upgrade::drain() {
  spdlog::info("upgrade: {} understands the state; the worker ends", program_);
  ViewState& memory = view_.memory();
  memory.died_at_us = sys::monotonic_us();
  memory.draining = 1;
  ::eventfd_write(view_.worker_bell.get(), 1);
  stage_ = Stage::kDraining;
}

void Upgrade::hand_over() {
  stage_ = Stage::kIdle;
  become_program(view_, program_.c_str(), view_.is_confined);
  fail({ExitCode::kSystem, program_, std::string("cannot start it: ") + std::strerror(errno), ""});
}

void Upgrade::fail(const OperatorError& error) {
  stage_ = Stage::kIdle;
  check_.reset();
  check_output_.reset();
  report_upgrade_failed(view_, error);
}

void become_program(const ServedView& view, const char* program, bool is_confined) {
  char resume[32];
  std::snprintf(resume, sizeof resume, "--resume=%d", view.state->fd());
  (void)sys::for_each_descriptor(keep_over_exec, nullptr);
  offer_state(view.memory());
  ::eventfd_write(view.standby_bell.get(), 1);
  const char* const confined = is_confined ? "--confined" : nullptr;
  ::execl(program, "cvfsd", resume, confined, nullptr);
  const int error = errno;
  if (!withdraw_offer(view.memory(), view.generation)) std::abort();
  errno = error;
}

void report_upgraded(const ServedView& view) {
  ViewState& memory = view.memory();
  ++memory.upgrades;
  const std::uint64_t pause = memory.last_pause_us;
  note_event(memory, ViewEventKind::kUpgraded, view.replaced + " -> " + view.version, pause);
  spdlog::info("upgraded from {} to {} ({}), serving again after {} ms", view.replaced,
               view.version, view.program, static_cast<double>(pause) / 1000.0);
  answer_client(view,
                ok_reply({{"from", view.replaced}, {"to", view.version}, {"pause_us", pause}}));
  memory.upgrade_by = 0;
}

void report_upgrade_failed(const ServedView& view, const OperatorError& error) {
  note_event(view.memory(), ViewEventKind::kUpgradeFailed, error.what);
  spdlog::error("not upgraded: {}", error.message());
  answer_client(view, error_reply(error));
  view.memory().upgrade_by = 0;
}

}  // namespace cvfs
