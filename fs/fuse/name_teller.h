// NameTeller: tells the kernel what has happened to names. It waits until no request has the
// directory locked, whatever signal comes: so other processes (sys/detached_call.h) wait, and what
// cannot be told of one directory keeps nothing else back. The notifier's thread only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "sys/detached_call.h"

namespace cvfs {

// What is to be told of a name in a directory; or, with no directory, any message that may have to
// wait.
struct NameChange {
  NodeId directory = 0;
  std::string message;  // sys/fuse_notification.h
};

class NameTeller {
 public:
  // `device_fd` (the connection) is borrowed.
  explicit NameTeller(int device_fd);

  // The name is looked up again before it is used. It is not dropped: with it would go what has
  // just been mounted there.
  static NameChange change_of(NodeId directory, std::string_view name);

  // Tells that, and what waits, as far as it can be told now. Returns how many names or messages
  // turned out to wait for a request.
  unsigned tell(std::vector<NameChange> changes);

  // Some have not been told.
  bool is_behind();
  // So many waited that they are not known any more: everything is to be asked for again. Once.
  bool has_lost_some();

 private:
  // How long one message may take before the others go past it.
  static constexpr int kStallMs = 20;
  // Directories that requests keep locked, each with a process that waits.
  static constexpr std::size_t kCalls = 8;
  static constexpr std::size_t kMostWaiting = 65536;

  struct Call {
    sys::DetachedCall process;
    std::vector<NameChange> changes;  // it may outlast us
    std::atomic<std::size_t> next = 0;
    int device_fd = -1;
    bool is_stuck = false;
    NodeId stuck_on = 0;
  };

  static void work(void* call);
  void collect();
  Call* free_call();
  std::vector<NameChange> take_tellable();
  bool carry_out(Call& call, std::vector<NameChange> changes);
  void leave_behind(Call& call);

  std::array<Call, kCalls> calls_;
  std::vector<NameChange> waiting_;
  bool has_lost_some_ = false;
};

}  // namespace cvfs
