#include "control/readiness.h"

#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <string>
#include <string_view>

namespace cvfs {
namespace {

// One write of at most PIPE_BUF bytes is one read at the other end (pipe(7)): await_readiness()
// needs no end-of-file, which a cvfsd that serves on would not give.
constexpr std::size_t kMaxMessage = PIPE_BUF;

// While it lives, a SIGPIPE for this thread is discarded: whoever started cvfsd may be gone, and
// the view lives on all the same. (One that was pending before is lost with it.)
// As OperatorError::message() has it.
constexpr std::string_view kHint = "\n  try: ";

class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once{};
    while (::sigtimedwait(&sigpipe_, nullptr, &at_once) == SIGPIPE) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
};

void send(int pipe_fd, ExitCode code, std::string_view text) {
  std::string message(1, static_cast<char>(code));
  message.append(text.substr(0, kMaxMessage - 1));
  const WithoutSigpipe guard;
  ssize_t written = 0;
  do {
    written = ::write(pipe_fd, message.data(), message.size());
  } while (written < 0 && errno == EINTR);
}

}  // namespace

void report_ready(int pipe_fd) {
  send(pipe_fd, ExitCode::kSuccess, "");
}

void report_refusal(int pipe_fd, const OperatorError& error) {
  send(pipe_fd, error.code, error.message());
}

Outcome<void> await_readiness(int pipe_fd) {
  char message[kMaxMessage];
  ssize_t length = 0;
  do {
    length = ::read(pipe_fd, message, sizeof message);
  } while (length < 0 && errno == EINTR);
  if (length <= 0) {
    return refuse(OperatorError{ExitCode::kInternal, "cvfsd", "ended without saying why",
                                "journalctl -t cvfsd"});
  }
  const auto code = static_cast<ExitCode>(message[0]);
  if (code == ExitCode::kSuccess) return {};
  // The object is in the text already, and the hint is a line of its own.
  const std::string text(message + 1, message + length);
  const std::size_t hint = text.find(kHint);
  OperatorError refusal{code, "", text.substr(0, hint), ""};
  if (hint != std::string::npos) refusal.hint = text.substr(hint + kHint.size());
  return refuse(std::move(refusal));
}

}  // namespace cvfs
