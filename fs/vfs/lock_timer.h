// LockTimer: looks again after a request that waits for a short while only: soon at first, and ever
// more seldom until the while is over. A thread of its own, none before the first. Thread-safe; its
// lock is a leaf.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace cvfs {

class LockTimer {
 public:
  using Clock = std::chrono::steady_clock;
  // Called on the timer's thread, also for requests that are answered by then. False: it need not
  // be called again. `is_last`: it will not be.
  using Look = std::function<bool(std::uint64_t unique, bool is_last)>;
  LockTimer(std::chrono::milliseconds whole, Look look) : whole_(whole), look_(std::move(look)) {}
  ~LockTimer();
  LockTimer(const LockTimer&) = delete;
  LockTimer& operator=(const LockTimer&) = delete;

  // False: it will not be called, for there is no thread to be had.
  [[nodiscard]] bool start(std::uint64_t unique);

 private:
  struct Entry {
    std::uint64_t unique;
    Clock::time_point begin;
  };
  void run();
  void look_at(const Entry& entry, std::unique_lock<std::mutex>& lock);

  Clock::duration whole_;
  Look look_;
  std::mutex mutex_;
  std::multimap<Clock::time_point, Entry> entries_;  // guarded by mutex_; by when they are due
  bool is_ending_ = false;
  std::condition_variable changed_;
  std::jthread thread_;
};

}  // namespace cvfs
