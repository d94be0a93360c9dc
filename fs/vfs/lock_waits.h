// LockWaits: threads that wait in the kernel for locks which another view or the host holds:
// nothing else tells when those are free. One thread a wait; a thread that has nothing to wait for
// stays for a while, as the next wait may come soon. Another one, begun with the first wait, wakes
// those whose waits are cancelled. The waits of one view for each other are not here
// (locks/lock_table.h). Thread-safe; its lock is a leaf.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "locks/lock_table.h"

namespace cvfs {

class LockWaits {
 public:
  static constexpr std::size_t kMost = 512;

  // How a wait ended: 0: the lock is held now, by `fd`; EINTR: it was cancelled. On the wait's own
  // thread.
  using Ended = std::function<void(std::uint64_t unique, int fd, int error)>;
  explicit LockWaits(Ended ended, std::chrono::milliseconds idle = std::chrono::seconds(10));
  ~LockWaits();
  LockWaits(const LockWaits&) = delete;
  LockWaits& operator=(const LockWaits&) = delete;

  // `fd` is borrowed until the wait has ended. False: there are kMost already, or the kernel gives
  // us no thread more.
  bool start(std::uint64_t unique, int fd, const LockWish& wish);
  // Such a descriptor whose owner has another one now: closed when nobody waits by it any more.
  void close_later(UniqueFd fd);
  // Ends it soon, unless it is just ending by itself.
  void cancel(std::uint64_t unique);

 private:
  struct Slot {
    // kGone: it has no thread any more.
    enum class State { kGone, kIdle, kWaiting, kEnding } state = State::kGone;
    std::uint64_t unique = 0;
    int fd = -1;
    std::shared_ptr<const UniqueFd> retired;  // `fd`, if it is to be closed after the wait
    LockWish wish;
    bool is_cancelled = false;
    std::condition_variable begun;
    std::jthread thread;
  };

  Slot* find(Slot::State state);
  Slot* take_slot();
  void run(Slot& slot);
  int wait(const Slot& slot);
  void nudge();
  static void wake(Slot& slot);
  bool is_cancelled(const Slot& slot);

  Ended ended_;
  std::chrono::milliseconds idle_;
  std::mutex mutex_;
  std::deque<Slot> slots_;  // guarded by mutex_, as what is in them
  bool is_ending_ = false;
  std::size_t cancelled_ = 0;
  std::condition_variable has_cancelled_;
  std::jthread nudger_;
};

}  // namespace cvfs
