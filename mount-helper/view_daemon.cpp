#include "view_daemon.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <climits>
#include <csignal>
#include <cstring>

#include "base/result.h"
#include "control/readiness.h"
#include "sys/process.h"

namespace cvfs {
namespace {

// How long cvfsd may take to undo what it did, once told to end or once it has refused.
constexpr int kEndTimeoutMs = 10'000;

tl::unexpected<OperatorError> refuse_system(const std::string& object, const char* call) {
  return refuse(OperatorError{ExitCode::kSystem, object,
                              std::string(call) + ": " + std::strerror(errno), ""});
}

sigset_t interrupting_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

// ---- in the child ----

// Whoever reads mount(8)'s output through a pipe must not wait for the view to end.
void leave_the_terminal() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
}

void keep_only(int fd) {
  ::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  ::fcntl(fd, F_SETFD, 0);
}

[[noreturn]] void become(const std::string& program, const std::vector<char*>& argv, int ready_fd) {
  const sigset_t signals = interrupting_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::setsid();
  // The view must not keep busy whatever directory mount(8) was called in.
  if (::chdir("/") < 0) std::abort();
  leave_the_terminal();
  keep_only(ready_fd);
  ::execv(program.c_str(), argv.data());
  report_refusal(ready_fd, OperatorError{ExitCode::kSystem, program,
                                         std::string("cannot start it: ") + std::strerror(errno),
                                         "install cvfs again"});
  ::_exit(static_cast<int>(ExitCode::kSystem));
}

std::vector<char*> pointers(const std::string& program, std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

Outcome<UniqueFd> catch_interrupts() {
  const sigset_t signals = interrupting_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) return refuse_system("signals", "signalfd");
  return fd;
}

ViewDaemon::ViewDaemon(pid_t pid, UniqueFd process, UniqueFd ready)
    : pid_(pid), process_(std::move(process)), ready_(std::move(ready)) {}

Outcome<ViewDaemon> ViewDaemon::start(const std::string& program,
                                      std::vector<std::string> arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return refuse_system(program, "pipe2");
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  arguments.insert(arguments.begin(), "--ready-fd=" + std::to_string(writer.get()));
  const auto argv = pointers(program, arguments);

  UniqueFd process;
  const auto pid = sys::fork_with_pidfd(process);
  if (!pid) return refuse_system(program, "fork");
  if (*pid == 0) become(program, argv, writer.get());
  return ViewDaemon(*pid, std::move(process), std::move(reader));
}

Outcome<void> ViewDaemon::wait(const UniqueFd& interrupts) {
  pollfd awaited[] = {{interrupts.get(), POLLIN, 0}, {ready_.get(), POLLIN, 0}};
  while (::poll(awaited, std::size(awaited), -1) < 0) {
    if (errno != EINTR) return refuse_system("cvfsd", "poll");
  }
  // What has been said counts, even where an interrupt comes at the same moment.
  if (awaited[1].revents != 0) return heard();
  end();
  return refuse(
      OperatorError{ExitCode::kInterrupted, "", "interrupted before the view served", ""});
}

Outcome<void> ViewDaemon::heard() {
  auto readiness = await_readiness(ready_.get());
  if (readiness) return readiness;
  ends_within(kEndTimeoutMs);
  const int status = end();
  OperatorError error = std::move(readiness).error();
  if (error.code == ExitCode::kInternal) error.what += " (" + sys::how_it_ended(status) + ")";
  return refuse(std::move(error));
}

bool ViewDaemon::ends_within(int timeout_ms) const {
  pollfd ended{process_.get(), POLLIN, 0};
  int found = 0;
  do {
    found = ::poll(&ended, 1, timeout_ms);
  } while (found < 0 && errno == EINTR);
  return found > 0;
}

// Its exit status, as of waitpid(2).
int ViewDaemon::end() {
  // SIGTERM: it unmounts what it has mounted. SIGKILL: it hangs, and has had its chance.
  ::kill(pid_, SIGTERM);
  if (!ends_within(kEndTimeoutMs)) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

}  // namespace cvfs
