#include "fuse/resent_turn.h"

namespace cvfs {

unsigned ResentTurn::begin() {
  const std::lock_guard lock(mutex_);
  may_wait_ = false;
  return turn_;
}

bool ResentTurn::await_end(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const unsigned before = requests_;
    if (has_ended_.wait_for(lock, patience, [this] { return is_over_; })) return true;
    if (!may_wait_ || requests_ != before) continue;
    ++turn_;
    return false;
  }
}

void ResentTurn::work(bool may_wait) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  may_wait_ = may_wait;
}

bool ResentTurn::has_worked(unsigned turn) {
  const std::lock_guard lock(mutex_);
  if (turn != turn_) return false;
  may_wait_ = false;
  return true;
}

void ResentTurn::end() {
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  has_ended_.notify_one();
}

}  // namespace cvfs
