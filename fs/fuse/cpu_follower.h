// CpuFollower: keeps the serving threads on the CPU of the one thread that they serve, if it is
// one. Waking another CPU costs more than most requests, and the scheduler does not bring the two
// together by itself (docs/performance.md). Where several callers are active on several CPUs, or
// others run where the threads are held, these run wherever they like. Thread-safe.
//
// Where a caller is stands in /proc/TID/stat, and who reads that waits while the caller is in the
// middle of an execve(2), which may itself wait for us (it closes files): a thread of its own reads
// it, and no serving thread waits for that one.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <semaphore>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "sys/process.h"

namespace cvfs {

class CpuFollower {
 public:
  CpuFollower() = default;
  ~CpuFollower();
  CpuFollower(const CpuFollower&) = delete;
  CpuFollower& operator=(const CpuFollower&) = delete;

  // The calling thread is to be moved, too, until it leaves.
  void join();
  void leave();

  // It has just answered a request of that thread (0: of none). Has the sampler look at where that
  // one is, a few hundred times a second at most. Never waits. `now_us`: on sys::monotonic_us()'s
  // clock.
  void follow(pid_t caller, std::uint64_t now_us = sys::coarse_monotonic_us());

 private:
  struct Sample {
    pid_t caller = 0;
    unsigned cpu = 0;
    std::uint64_t time_us = 0;
  };

  struct Question {
    pid_t caller = 0;
    std::uint64_t time_us = 0;
    double wait_us = 0;  // of the thread that asks, for a CPU
  };

  void take_samples();
  void note(const Sample& sample, double wait_us) CVFS_REQUIRES(mutex_);
  void hold_on(unsigned cpu) CVFS_REQUIRES(mutex_);
  void release() CVFS_REQUIRES(mutex_);
  bool waits_too_long(double wait_us) const CVFS_REQUIRES(mutex_);
  void move_all(const cpu_set_t& cpus) CVFS_REQUIRES(mutex_);

  std::atomic<std::uint64_t> next_sample_us_ = 0;
  Question question_;                      // the sampler's while is_sampling_
  std::atomic<bool> is_sampling_ = false;  // who sets it asks
  std::atomic<bool> ends_ = false;
  std::counting_semaphore<2> asked_{0};  // a question, and the end
  std::jthread sampler_ CVFS_GUARDED_BY(mutex_);
  Mutex mutex_;
  std::vector<pid_t> threads_ CVFS_GUARDED_BY(mutex_);
  Sample last_ CVFS_GUARDED_BY(mutex_);
  unsigned alike_ CVFS_GUARDED_BY(mutex_) = 0;       // samples in a row that speak for one CPU
  int held_on_ CVFS_GUARDED_BY(mutex_) = -1;         // which CPU; -1: none
  cpu_set_t free_ CVFS_GUARDED_BY(mutex_) = {};      // where they may run when they are not held
  double free_wait_us_ CVFS_GUARDED_BY(mutex_) = 0;  // how long they waited for a CPU then
  std::uint64_t not_before_us_ CVFS_GUARDED_BY(mutex_) = 0;
  std::uint64_t pause_us_ CVFS_GUARDED_BY(mutex_) = 0;
};

}  // namespace cvfs
