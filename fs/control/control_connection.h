// ControlConnection: one client of a view's control socket, from its command to its answer, without
// ever waiting for it. Owns the descriptor. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "control/control_message.h"

namespace cvfs {

// The answer, a line with its newline; or none: `client_fd` is the handler's from now on, which
// answers with send_reply() and closes it. The handler may take long, and may replace the process.
using ControlHandler =
    std::function<std::optional<std::string>(const ControlCommand& command, int client_fd)>;

// SO_COOKIE: a number that no other socket has. None: no socket (any more). Asks no filesystem.
std::optional<std::uint64_t> socket_cookie(int fd);

class ControlConnection {
 public:
  // Who does not send a command, or does not take the answer, for so long is dropped.
  static constexpr std::uint64_t kTimeoutUs = 2'000'000;

  // `fd` is non-blocking. None: it is another file's already.
  static std::optional<ControlConnection> begin(UniqueFd fd);

  ControlConnection(ControlConnection&&) = default;
  ControlConnection& operator=(ControlConnection&& other) noexcept;
  ~ControlConnection();

  int fd() const { return fd_.get(); }
  short awaited_events() const;
  std::uint64_t deadline_us() const { return deadline_us_; }
  std::uint64_t begun_us() const { return begun_us_; }

  // Does what can be done at once. False: it is over, answered, taken over or given up.
  bool advance(const ControlHandler& handler);

 private:
  ControlConnection(UniqueFd fd, std::uint64_t cookie);

  bool is_ours() const { return socket_cookie(fd_.get()) == cookie_; }
  void end();
  bool receive(const ControlHandler& handler);
  bool carry_out(std::string_view line, const ControlHandler& handler);
  bool answer(std::string line);
  bool send();

  UniqueFd fd_;
  std::uint64_t cookie_ = 0;
  std::uint64_t begun_us_ = 0;
  std::uint64_t deadline_us_ = 0;
  std::string received_;
  std::string answer_;  // what is still to be sent
};

// The late answer of a handler that took a connection over: sends `line`, waits at most a second
// for a client that does not take it, and shuts the connection down, whoever else has its
// descriptor. Closes nothing; raises no SIGPIPE. Any thread.
void send_reply(int client_fd, std::string_view line);

}  // namespace cvfs
