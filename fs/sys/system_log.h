// SystemLog: lines for syslog, as syslog(3) sends them, but for the waiting: where nobody reads
// them, syslog(3) waits for ever, and the process with it. What cannot be sent is counted, and said
// when that is possible again. Keeps no descriptor between two lines: supervisor and worker share a
// table, and one of them would go on with a number that the other has closed and given to a file.
// A SystemLog is for one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cvfs::sys {

class SystemLog {
 public:
  // Priorities: those of syslog(3).
  void send(int priority, std::string_view text);

  // Where it listens; for tests.
  explicit SystemLog(std::string path = "/dev/log") : path_(std::move(path)) {}

 private:
  bool deliver(int priority, std::string_view text, int patience_ms) const;
  // EAGAIN: nobody has read it in time. Other errors: nobody listens.
  int deliver_by(int type, const std::string& line, int patience_ms) const;

  std::string path_;
  std::uint64_t lost_ = 0;
};

// The process' log (base/log.h) goes there from now on, every line with the view's name.
void log_to_syslog(const std::string& view);

}  // namespace cvfs::sys
