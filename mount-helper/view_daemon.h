// ViewDaemon: the cvfsd that mount.cvfs starts: its life until it serves. Its destructor forgets
// it: a cvfsd that serves outlives mount.cvfs. Not for use by several threads.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/operator_error.h"
#include "base/unique_fd.h"

namespace cvfs {

// Blocks SIGINT and SIGTERM for this process, so that they are seen while waiting, and nowhere
// else.
Outcome<UniqueFd> catch_interrupts();

class ViewDaemon {
 public:
  // `arguments` as for execv(3) from argv[1] on; --ready-fd= comes before them. The process leads
  // a session of its own, has "/" as its directory and no descriptor of ours but that one.
  static Outcome<ViewDaemon> start(const std::string& program, std::vector<std::string> arguments);

  // Until it serves, or refuses, or `interrupts` (catch_interrupts()) has something: it is then
  // ended and that is ExitCode::kInterrupted. When this is not a success, no process is left.
  Outcome<void> wait(const UniqueFd& interrupts);

 private:
  ViewDaemon(pid_t pid, UniqueFd process, UniqueFd ready);
  Outcome<void> heard();
  int end();
  bool ends_within(int timeout_ms) const;

  pid_t pid_;
  UniqueFd process_;  // pidfd: readable once the process has ended
  UniqueFd ready_;
};

}  // namespace cvfs
