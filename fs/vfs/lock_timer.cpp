#include "vfs/lock_timer.h"

#include <algorithm>

#include "sys/begin_thread.h"
#include "sys/credentials.h"

namespace cvfs {

namespace {

// About what a close takes until we hear of it.
constexpr std::chrono::microseconds kFirst{100};

}  // namespace

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
  const auto now = Clock::now();
  const auto added = entries_.insert({now + kFirst, {unique, now}});
  if (added == entries_.begin()) changed_.notify_one();
  return true;
}

void LockTimer::run() {
  sys::prepare_serving_thread();
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    if (entries_.empty()) {
      changed_.wait(lock);
    } else if (const auto due = entries_.begin()->first; due > Clock::now()) {
      changed_.wait_until(lock, due);
    } else {
      look_at(entries_.extract(entries_.begin()).mapped(), lock);
    }
  }
}

// Each time after twice as long.
void LockTimer::look_at(const Entry& entry, std::unique_lock<std::mutex>& lock) {
  const auto waited = Clock::now() - entry.begin;
  const bool is_last = waited >= whole_;
  lock.unlock();
  const bool goes_on = look_(entry.unique, is_last);
  lock.lock();
  if (goes_on && !is_last) entries_.insert({entry.begin + std::min(2 * waited, whole_), entry});
}

}  // namespace cvfs
