#include "vfs/lock_timer.h"

#include "sys/begin_thread.h"
#include "sys/credentials.h"

namespace cvfs {

LockTimer::~LockTimer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool LockTimer::start(std::uint64_t unique) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable() && !sys::begin_thread(thread_, [this] { run(); })) return false;
  entries_.push_back({Clock::now() + delay_, unique});
  if (entries_.size() == 1) changed_.notify_one();
  return true;
}

void LockTimer::run() {
  sys::prepare_serving_thread();
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    if (entries_.empty()) {
      changed_.wait(lock);
    } else if (const Entry next = entries_.front(); next.at > Clock::now()) {
      changed_.wait_until(lock, next.at);
    } else {
      entries_.pop_front();
      lock.unlock();
      due_(next.unique);
      lock.lock();
    }
  }
}

}  // namespace cvfs
