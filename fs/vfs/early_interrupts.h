// EarlyInterrupts: signals that came for lock requests which nobody knows (yet): two threads may
// read a request and its interrupt in either order. Only so many are kept. Thread-safe; its lock is
// a leaf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/mutex.h"

namespace cvfs {

class EarlyInterrupts {
 public:
  // Returns the oldest, as it was sent, if it had to go: the kernel is to remind us of it.
  std::optional<std::uint64_t> note(std::uint64_t unique, std::uint64_t reply_to);
  // False: none came for this request.
  bool take(std::uint64_t unique);

 private:
  static constexpr std::size_t kMost = 256;
  struct Interrupt {
    std::uint64_t unique;
    std::uint64_t reply_to;
  };
  Mutex mutex_;
  std::deque<Interrupt> interrupts_ CVFS_GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace cvfs
