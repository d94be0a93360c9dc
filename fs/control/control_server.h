// ControlServer: a view's control socket, for a process with one thread and a poll(2) loop. It
// never waits for a client. Only root is served (SO_PEERCRED), and at most kMaxClients at once: one
// more waits, and drops the oldest when that has had its time to ask. One thread.
//
// The descriptor table may be shared (clone(2), CLONE_FILES) with processes that close what they
// do not know. A descriptor that was closed so, and may be another file's by now, is noticed before
// it is used, and let go. A process that only shares the table must end without destroying its copy
// of the server: the descriptors are everybody's.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/operator_error.h"
#include "base/unique_fd.h"
#include "control/control_connection.h"

namespace cvfs {

class ControlServer {
 public:
  using Handler = ControlHandler;
  static constexpr std::size_t kMaxClients = 8;

  // Makes the directory (0700) where it is missing, takes away a socket that an earlier view of
  // the same number left, and listens (0600). Refused with ExitCode::kSystem: the directory is
  // another user's or others may write to it, what is at `path` is no socket, and whatever the
  // system calls say.
  static Outcome<ControlServer> listen(const std::string& path);

  // Goes on with a socket that another process listened on; owns the descriptor from now on.
  static ControlServer adopt(int listening_fd, std::string path);

  ControlServer(ControlServer&&) = default;
  ControlServer& operator=(ControlServer&&) = default;
  ~ControlServer();

  // What listens. -1: nothing any more, somebody closed it.
  int fd() const { return listening_.get(); }

  // Goes without closing what listens: adopt() goes on with it.
  int release() { return listening_.release(); }

  // Every descriptor that is the server's now: what listens, and its clients.
  std::vector<int> descriptors() const;

  // What to wait for, and how long: -1 for ever.
  void add_to(std::vector<pollfd>& polled) const;
  int timeout_ms() const;

  // After each poll(2), with what it says (others' descriptors are passed over). `handler` may not
  // call serve().
  void serve(std::span<const pollfd> polled, const Handler& handler);

  // Takes the socket's file away, unless it is another view's by now. Who is connected is served
  // on, and nobody new comes.
  void remove();

 private:
  ControlServer(UniqueFd listening, std::string path);

  bool is_listening() const;
  void stop_listening();
  void advance(int fd, const Handler& handler);
  std::uint64_t room_from_us() const;
  void accept_clients(const Handler& handler);
  void welcome(UniqueFd fd, const Handler& handler);

  UniqueFd listening_;
  std::optional<std::uint64_t> cookie_;  // of listening_
  std::string path_;
  std::optional<std::pair<dev_t, ino_t>> file_;  // the socket's at path_
  std::vector<ControlConnection> clients_;       // oldest first
  std::uint64_t accept_after_us_ = 0;            // without descriptors: not at once again
};

}  // namespace cvfs
