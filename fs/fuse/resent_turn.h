// ResentTurn: whose turn it is to answer what the kernel sends again: one thread's, until that one
// is at a request that waits; then another's. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace cvfs {

class ResentTurn {
 public:
  // ---- by whoever starts the threads

  // The turn of the thread that is started next.
  unsigned begin();
  // Until all is done (true), or the thread has been at a request that may wait for so long, twice
  // that at most: then the turn is not its any more.
  bool await_end(std::chrono::milliseconds patience);

  // ---- by those threads, each with its turn

  // It carries a request out. `may_wait`: others can go on beside it.
  void work(bool may_wait);
  // It has. False: it does not have the turn any more.
  bool has_worked(unsigned turn);
  // Nothing more is to be done in turn.
  void end();

 private:
  std::mutex mutex_;
  std::condition_variable has_ended_;
  unsigned turn_ = 0;      // this and all below under mutex_
  unsigned requests_ = 0;  // that were begun
  bool may_wait_ = false;  // the one that is at hand
  bool is_over_ = false;
};

}  // namespace cvfs
