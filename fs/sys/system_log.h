// SystemLog: lines for the journal, with fields of their own (systemd.journal-fields(7)), or for
// syslog, as syslog(3) sends them, but for the waiting: where nobody reads them, syslog(3) waits
// for ever, and the process with it. What cannot be sent is counted, and said when that is possible
// again. Opens nothing when a line is sent, but where /dev/log is a stream: supervisor and worker
// share a table of descriptors, and one of them looks at what is open while the other logs. Both go
// on with the one socket, which nobody closes. A SystemLog is for one thread at a time.
#pragma once

#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

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
  SystemLog(std::string view, const Listeners& listeners);

  // What it sends by; -1: nothing is left for that, and nothing will be sent.
  int fd() const { return socket_.get(); }

 private:
  bool deliver(int priority, std::string_view text, bool may_wait) const;
  // An errno. EAGAIN: nobody has read it in time. Others: nobody listens.
  int deliver_by_stream(const std::string& line, bool may_wait) const;
  std::string journal_entry(int priority, std::string_view text) const;

  std::string view_;
  sockaddr_un syslog_;
  sockaddr_un journal_;
  UniqueFd socket_;  // a datagram's
  std::uint64_t lost_ = 0;
};

// The process' log (base/log.h) goes there from now on, every line with the view's name. Returns
// SystemLog::fd(), which is good for as long as it does, also in forks.
int log_to_syslog(const std::string& view);

}  // namespace cvfs::sys
