#include "control/control_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "base/unique_fd.h"
#include "control/control_message.h"
#include "control/socket_address.h"
#include "sys/process.h"

namespace cvfs {
namespace {

class Deadline {
 public:
  explicit Deadline(int timeout_ms)
      : at_us_(sys::monotonic_us() + static_cast<std::uint64_t>(timeout_ms) * 1000) {}

  // Never 0 before it has passed.
  std::uint64_t left_us() const {
    const std::uint64_t now = sys::monotonic_us();
    return now < at_us_ ? at_us_ - now : 0;
  }

 private:
  std::uint64_t at_us_;
};

Result<void> wait_for(int fd, short events, const Deadline& deadline) {
  for (;;) {
    const std::uint64_t left_us = deadline.left_us();
    if (left_us == 0) return fail(ETIMEDOUT);
    pollfd socket{fd, events, 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(left_us / 1000 + 1));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return last_error();
  }
}

// A view whose backlog is full is waited for: SO_SNDTIMEO is connect(2)'s, too (unix(7) has no
// other way; a non-blocking connect says EAGAIN and nothing to wait for).
Result<UniqueFd> connect_to(const std::string& path, const Deadline& deadline) {
  const auto address = SocketAddress::of(path);
  if (!address) return fail(ENAMETOOLONG);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return last_error();
  int returned = -1;
  do {
    const std::uint64_t left_us = deadline.left_us();
    if (left_us == 0) return fail(ETIMEDOUT);
    const timeval timeout{static_cast<time_t>(left_us / 1'000'000),
                          static_cast<suseconds_t>(left_us % 1'000'000)};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    returned = ::connect(fd.get(), address->get(), SocketAddress::size());
  } while (returned < 0 && errno == EINTR);
  if (returned < 0) return fail(errno == EAGAIN ? ETIMEDOUT : errno);
  return fd;
}

Result<void> send_line(int fd, std::string_view line, const Deadline& deadline) {
  while (!line.empty()) {
    TRY(wait_for(fd, POLLOUT, deadline));
    const ssize_t sent = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      line.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // it has heard enough: the answer says why
    } else if (errno != EAGAIN && errno != EINTR) {
      return last_error();
    }
  }
  return {};
}

Result<std::string> receive_line(int fd, const Deadline& deadline) {
  std::string received;
  std::array<char, 16384> buffer;
  while (received.size() <= kMaxReplyBytes) {
    TRY(wait_for(fd, POLLIN, deadline));
    const ssize_t length = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length == 0) return fail(ECONNRESET);
    if (length < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return last_error();
    }
    const std::string_view part(buffer.data(), static_cast<std::size_t>(length));
    const std::size_t newline = part.find('\n');
    received.append(part.substr(0, newline));
    if (newline != std::string_view::npos) return received;
  }
  return fail(EMSGSIZE);
}

}  // namespace

Result<std::string> ask_view(const std::string& socket_path, const std::string& line,
                             int timeout_ms) {
  const Deadline deadline(timeout_ms);
  const UniqueFd socket = TRY(connect_to(socket_path, deadline));
  TRY(send_line(socket.get(), line, deadline));
  return receive_line(socket.get(), deadline);
}

}  // namespace cvfs
