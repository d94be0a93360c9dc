// CircleWatch: refuses those who wait for POSIX locks in a circle over several views of a tenant,
// or over the host (EDEADLK). What waits for each other within one view the table sees at once;
// beyond it somebody has to ask, so only those are looked at who have waited for a while, by a
// thread of the worker that sleeps while nobody waits. A circle is believed when it is seen twice,
// of the same requests, and no process of the host in it has woken: whoever waits in both pictures
// has waited in between, so all its waits were there at the same time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/served_view.h"
#include "locks/wait_graph.h"
#include "vfs/file_locks.h"

namespace cvfs {

class CircleWatch {
 public:
  using Duration = std::chrono::steady_clock::duration;
  // Most waits are over before the first look.
  static constexpr Duration kBetweenLooks = std::chrono::milliseconds(500);
  // While all wait whom others of this view hold up, and nobody new came. (Somebody else may hold
  // them up as well.)
  static constexpr Duration kBetweenSeldomLooks = std::chrono::seconds(5);
  // How long nobody looks after a look that took so long: the kernel's list of locks costs the
  // more the more locks there are, also those of others, and who reads it keeps all from locking.
  static Duration pause_after(Duration look);

  CircleWatch(const ServedView& view, FileLocks& locks);
  ~CircleWatch();
  CircleWatch(const CircleWatch&) = delete;
  CircleWatch& operator=(const CircleWatch&) = delete;

 private:
  void wake();
  void run();
  bool look();
  void refuse_circles(const WaitGraph& own);
  WaitGraph everybody() const;

  const ServedView& view_;
  FileLocks& locks_;
  std::mutex mutex_;
  bool has_news_ = false;  // guarded by mutex_; since the last look
  bool is_ending_ = false;
  std::condition_variable changed_;
  std::jthread thread_;  // none before somebody waits
};

}  // namespace cvfs
