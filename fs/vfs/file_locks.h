// FileLocks: the locks of a view (locks=shared). Each owner's locks on a file are locks of an open
// file description of its own on the backing file, so that they are exclusive with all other views
// and with the host; who holds and who waits stands in the state memory (locks/lock_table.h), so
// that another process can go on. A request that has to wait holds no thread: it is answered later.
// Thread-safe. One stripe of locks a file is held over an operation, system calls that do not wait
// included; the order of locks is in docs/locking.md.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "locks/lock_table.h"
#include "vfs/early_interrupts.h"
#include "vfs/lock_owners.h"
#include "vfs/lock_request.h"
#include "vfs/lock_timer.h"
#include "vfs/lock_waits.h"

namespace cvfs {

struct Mount;

class FileLocks {
 public:
  // Refuses a request that had to wait, with an errno.
  using Refuse = std::function<void(std::uint64_t reply_to, int error)>;
  // Tells somebody that he has a lock on the file. What others did to it while they had theirs is
  // to be seen by him from then on, so it may take its time.
  using Grant = std::function<void(NodeId node, std::uint64_t reply_to)>;

  // In zeroed memory of LockSection::bytes(), or in what an earlier process left there (`adopt`):
  // then nobody who waits is served before settle(). `most_owners`: how many may have a descriptor.
  FileLocks(Mount& mount, std::span<std::byte> memory, bool adopt, std::size_t most_owners);

  // Before the first request. Both functions are called in a file's turn, by any thread: they may
  // not wait, nor call this.
  void answer_by(Refuse refuse, Grant grant);

  // What to answer, an errno or 0; nullopt: it waits or is granted. EAGAIN: somebody else's lock is
  // in the way. EDEADLK: who holds it waits for the asker. EINTR: interrupted before it came to
  // wait. ENOLCK: the backing cannot lock, or there is no more room.
  std::optional<int> change(const LockRequest& request);

  // What is in the way of the wish; its pid is 0 if nobody knows it. nullopt: nothing. Errors:
  // those of change().
  Result<std::optional<LockConflict>> test(const LockRequest& request);

  // A process closes a descriptor of the open file: its POSIX locks go, as fcntl(2) says.
  void close(NodeId node, HandleId handle, std::uint64_t owner_id);
  // The open file is no more: what was locked through it goes.
  void release(NodeId node, HandleId handle);

  // A signal came for the process whose request this is; if that is not known yet, it is when it
  // comes. Only so many are kept: returns one of earlier, as it was sent, that the kernel is to
  // send again if it still has the request.
  std::optional<std::uint64_t> interrupt(std::uint64_t unique, std::uint64_t reply_to);

  // ---- circles that reach beyond this view (daemon/circle_watch.h)
  // Told when one may have been closed: by who comes to wait for a POSIX lock, or gets one while
  // another thread of his waits. Before the first request.
  void on_posix_wait(std::function<void()> waits) { posix_waits_ = std::move(waits); }
  bool has_posix_waits() const { return table_.has_posix_waits(); }
  // Does anybody wait for a lock of fcntl(2) that is not of this view?
  bool has_waits_for_others() const { return attended_ranges_ != 0; }
  // What a request is told that still waits, unless it has its lock by then. False: none such.
  bool end_wait(std::uint64_t unique, int error);

  // All that an earlier process had left was sent again: whoever was not does not wait any more.
  void settle();

  // Those that hold locks.
  std::vector<int> descriptors() const { return table_.descriptors(); }

 private:
  using Waiters = std::vector<LockWaiter*>;
  struct Stripe {
    // Guards what the table has of its files (owners, waiters, their records), and their locks on
    // the backing.
    Mutex mutex;
    // Guarded by it. By file: those that a thread waits for in the kernel. An empty list is not
    // kept.
    std::unordered_map<NodeId, Waiters> attended;
  };
  // Has a file's turn; afterwards those get theirs who wait for a descriptor.
  class Turn {
   public:
    Turn(FileLocks& locks, NodeId node) : locks_(locks) {
      lock_.emplace(locks.stripe_of(node).mutex);
    }
    ~Turn() {
      lock_.reset();
      locks_.serve_starved();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    FileLocks& locks_;
    std::optional<MutexLock> lock_;
  };
  static constexpr std::size_t kStripes = 64;
  // How long a try waits for a close that is under way (docs/locks.md).
  static constexpr std::chrono::milliseconds kTry{10};
  // At a thread that asks: it may not have come to sleep yet.
  static constexpr int kLooks = 10;
  Stripe& stripe_of(NodeId node) { return stripes_[node % kStripes]; }

  struct Attempt {
    int error = 0;           // EAGAIN: somebody is in the way
    bool has_freed = false;  // something that others may wait for
  };

  // ---- requests (file_locks.cpp); all of these with the file's stripe held
  Attempt attempt(const LockRequest& request);
  Attempt unlock(const LockRequest& request);
  Attempt lock(const LockRequest& request, LockOwnerRecord& owner);
  bool may_be_free_soon(const LockRequest& request);

  // ---- waiting (file_lock_queue.cpp); all of these with the file's stripe held
  static PosixWait is_posix_wait(const LockRequest& request);
  std::optional<int> wait(const LockRequest& request);
  std::optional<int> resume_wait(LockWaiter& waiter, const LockRequest& request);
  Attempt retry(LockWaiter& waiter);
  Attempt attend(LockWaiter& waiter, const LockRequest& request);
  bool is_covered(const LockWish& wish);
  Attempt wait_for_descriptor(const LockWish& wish);
  void serve(NodeId node, LockKind kind);
  void remove_unconfirmed(NodeId node, LockKind kind);
  bool serve_once(NodeId node, LockKind kind);
  bool begin_wait(LockWaiter& waiter, const LockRequest& request);
  void refuse(LockWaiter& waiter);
  void end_try(LockWaiter& waiter);
  void finish(LockWaiter& waiter, int error);
  void note_unattended(LockWaiter& waiter);
  void grant(const LockOwner& owner, std::uint64_t reply_to);
  int take_over(const LockWaiter& waiter, int fd);

  // ---- owners' descriptors (file_lock_queue.cpp); all of these without a stripe
  void make_room();
  void serve_starved();

  // Without the stripe.
  void refuse_circles();
  bool is_deadlock(const LockWaiter& waiter);

  // At first, before there are other threads.
  void give_back_what_nobody_noted();

  // Of other threads, without the stripe.
  void wait_ended(std::uint64_t unique, int fd, int error);
  bool look_at_try(std::uint64_t unique, bool is_last);

  LockTable table_;
  LockOwners owners_;
  // These three do not change after the first request.
  Refuse refuse_;
  Grant grant_;
  std::function<void()> posix_waits_;
  std::atomic<bool> is_settled_;
  std::atomic<std::size_t> attended_ranges_ = 0;
  std::array<Stripe, kStripes> stripes_;
  // Where somebody waits only for a descriptor.
  Mutex starving_;
  std::set<std::pair<NodeId, LockKind>> starved_ CVFS_GUARDED_BY(starving_);
  std::atomic<bool> has_starved_ = false;
  // One at a time: of two that close a circle only the second is refused.
  Mutex deadlock_;
  EarlyInterrupts early_;
  LockWaits waits_;
  LockTimer tries_;  // ends first: who is let in by a try may have others wait
};

}  // namespace cvfs
