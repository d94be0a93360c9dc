// SystemLog: lines for the journal, with fields of their own (systemd.journal-fields(7)), or for
// syslog, as syslog(3) sends them, but for the waiting: where nobody reads
// them, syslog(3) waits for ever, and the process with it. What cannot be sent is counted, and said
// when that is possible again. Keeps no descriptor between two lines: supervisor and worker share a
// table, and one of them would go on with a number that the other has closed and given to a file.
// A SystemLog is for one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cvfs::sys {

class SystemLog {
 public:
  // Priorities: those of syslog(3).
  void send(int priority, std::string_view text);

  // Where they listen: syslog, and before it the journal, if there is one; else paths of a test.
  struct Listeners {
    std::string syslog = "/dev/log";
    std::string journal = "/run/systemd/journal/socket";
  };
  // `view`: the journal's field CVFS_VIEW, "toto:/data", and what CVFS_TENANT is made of.
  explicit SystemLog(std::string view) : SystemLog(std::move(view), Listeners()) {}
  SystemLog(std::string view, Listeners listeners)
      : view_(std::move(view)), listeners_(std::move(listeners)) {}

 private:
  bool deliver(int priority, std::string_view text, int patience_ms) const;
  std::string journal_entry(int priority, std::string_view text) const;

  std::string view_;
  Listeners listeners_;
  std::uint64_t lost_ = 0;
};

// The process' log (base/log.h) goes there from now on, every line with the view's name.
void log_to_syslog(const std::string& view);

}  // namespace cvfs::sys
