// LockTimer: says when a request has waited for a certain while. A thread of its own, none before
// the first. Thread-safe; its lock is a leaf.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cvfs {

class LockTimer {
 public:
  // Called on the timer's thread, also for requests that are answered by then.
  using Due = std::function<void(std::uint64_t unique)>;
  LockTimer(std::chrono::milliseconds delay, Due due) : delay_(delay), due_(std::move(due)) {}
  ~LockTimer();
  LockTimer(const LockTimer&) = delete;
  LockTimer& operator=(const LockTimer&) = delete;

  // False: it will not be called, for there is no thread to be had.
  [[nodiscard]] bool start(std::uint64_t unique);

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    Clock::time_point at;
    std::uint64_t unique;
  };
  void run();

  std::chrono::milliseconds delay_;
  Due due_;
  std::mutex mutex_;
  std::deque<Entry> entries_;  // guarded by mutex_; the first to be due first
  bool is_ending_ = false;
  std::condition_variable changed_;
  std::jthread thread_;
};

}  // namespace cvfs
