#include "control/control_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "sys/process.h"

namespace cvfs {
namespace {

constexpr std::uint64_t kLateAnswerUs = 1'000'000;

// What it sends now, without waiting; 0: nothing. -1: nobody is there to take it.
ssize_t send_some(int fd, std::string_view text) {
  for (;;) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}

ssize_t receive_some(int fd, char* buffer, std::size_t size) {
  ssize_t length = 0;
  do {
    length = ::recv(fd, buffer, size, MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  return length;
}

bool wait_writable(int fd, std::uint64_t deadline_us) {
  const int left_ms = sys::ms_until(deadline_us);
  if (left_ms == 0) return false;
  pollfd client{fd, POLLOUT, 0};
  const int ready = ::poll(&client, 1, left_ms);
  return ready > 0 || (ready < 0 && errno == EINTR);
}

}  // namespace

std::optional<std::uint64_t> socket_cookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0) return {};
  return cookie;
}

std::optional<ControlConnection> ControlConnection::begin(UniqueFd fd) {
  const auto cookie = socket_cookie(fd.get());
  if (!cookie) {
    (void)fd.release();
    return {};
  }
  return ControlConnection(std::move(fd), *cookie);
}

ControlConnection::ControlConnection(UniqueFd fd, std::uint64_t cookie)
    : fd_(std::move(fd)),
      cookie_(cookie),
      begun_us_(sys::monotonic_us()),
      deadline_us_(begun_us_ + kTimeoutUs) {}

ControlConnection& ControlConnection::operator=(ControlConnection&& other) noexcept {
  if (this == &other) return *this;
  end();
  fd_ = std::move(other.fd_);
  cookie_ = other.cookie_;
  begun_us_ = other.begun_us_;
  deadline_us_ = other.deadline_us_;
  received_ = std::move(other.received_);
  answer_ = std::move(other.answer_);
  return *this;
}

ControlConnection::~ControlConnection() {
  end();
}

// A copy of the descriptor in another process does not keep the client waiting. What is not ours
// any more is not closed either.
void ControlConnection::end() {
  if (!fd_) return;
  if (!is_ours()) {
    (void)fd_.release();
    return;
  }
  ::shutdown(fd_.get(), SHUT_RDWR);
  fd_.reset();
}

short ControlConnection::awaited_events() const {
  return answer_.empty() ? POLLIN : POLLOUT;
}

bool ControlConnection::advance(const ControlHandler& handler) {
  if (!is_ours()) return false;
  return answer_.empty() ? receive(handler) : send();
}

bool ControlConnection::receive(const ControlHandler& handler) {
  char buffer[kMaxCommandBytes + 1];
  const std::size_t room = sizeof buffer - received_.size();
  const ssize_t length = receive_some(fd_.get(), buffer, room);
  if (length < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  received_.append(buffer, static_cast<std::size_t>(length));
  const std::size_t newline = received_.find('\n');
  if (newline != std::string::npos) return carry_out(received_.substr(0, newline), handler);
  // The parser says what is wrong with that: too long.
  if (received_.size() > kMaxCommandBytes) return carry_out(received_, handler);
  if (length > 0) return true;
  if (received_.empty()) return false;
  return answer(error_reply({ExitCode::kUsage, "", "the command's line does not end", ""}));
}

bool ControlConnection::carry_out(std::string_view line, const ControlHandler& handler) {
  const auto command = parse_command(line);
  if (!command) return answer(error_reply(command.error()));
  std::optional<std::string> reply = handler(*command, fd_.get());
  if (reply) return answer(std::move(*reply));
  (void)fd_.release();
  return false;
}

// The handler may have taken its time: the client has its own to take the answer.
bool ControlConnection::answer(std::string line) {
  answer_ = std::move(line);
  deadline_us_ = sys::monotonic_us() + kTimeoutUs;
  return is_ours() && send();
}

bool ControlConnection::send() {
  const ssize_t sent = send_some(fd_.get(), answer_);
  if (sent < 0) return false;
  answer_.erase(0, static_cast<std::size_t>(sent));
  return !answer_.empty();
}

void send_reply(int client_fd, std::string_view line) {
  const std::uint64_t deadline = sys::monotonic_us() + kLateAnswerUs;
  while (!line.empty()) {
    const ssize_t sent = send_some(client_fd, line);
    if (sent < 0) break;
    line.remove_prefix(static_cast<std::size_t>(sent));
    if (!line.empty() && !wait_writable(client_fd, deadline)) break;
  }
  ::shutdown(client_fd, SHUT_RDWR);
}

}  // namespace cvfs
