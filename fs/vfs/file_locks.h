// FileLocks: the locks of a view (locks=shared). Each owner's locks on a file are locks of an open
// file description of its own on the backing file, so that they are exclusive with all other views
// and with the host; who holds and who waits stands in the state memory (locks/lock_table.h), so
// that another process can go on. A request that has to wait holds no thread: it is answered later.
// Thread-safe. One stripe of locks a file is held over an operation, system calls that do not wait
// included; the order of locks is in docs/locking.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "locks/lock_table.h"
#include "vfs/lock_waits.h"

namespace cvfs {

struct Mount;

// One SETLK, SETLKW or GETLK, as the kernel sent it.
struct LockRequest {
  std::uint64_t unique = 0;    // the same each time that it is sent
  std::uint64_t reply_to = 0;  // as it was sent this time
  LockWish wish;
  HandleId handle = 0;
  bool waits = false;
  std::int32_t pid = 0;  // of the process and of the thread, in the mount's pid namespace
  std::int32_t tid = 0;
};

class FileLocks {
 public:
  // Answers a request that had to wait: an errno, or 0.
  using Answer = std::function<void(std::uint64_t reply_to, int error)>;

  // In zeroed memory of LockSection::bytes(), or in what an earlier process left there (`adopt`):
  // then nobody who waits is served before settle(). `most_owners`: how many may have a descriptor.
  FileLocks(Mount& mount, std::span<std::byte> memory, bool adopt, std::size_t most_owners);

  // Before the first request.
  void on_answer(Answer answer) { answer_ = std::move(answer); }

  // What to answer, an errno or 0; nullopt: it waits. EAGAIN: somebody else's lock is in the way.
  // EDEADLK: who holds it waits for the asker. EINTR: interrupted before it came to wait. ENOLCK:
  // the backing cannot lock, or there is no more room.
  std::optional<int> change(const LockRequest& request);

  // What is in the way of the wish; its pid is 0 if nobody knows it. nullopt: nothing. Errors:
  // those of change().
  Result<std::optional<LockConflict>> test(const LockRequest& request);

  // A process closes a descriptor of the file: its POSIX locks go, as fcntl(2) says.
  void close(NodeId node, std::uint64_t owner_id);
  // The open file is no more: what was locked through it goes.
  void release(NodeId node, HandleId handle);

  // A signal came for the process whose request this is. Returns such a request of earlier, as it
  // was sent, of which the kernel is to remind us: it may not have come here yet.
  std::optional<std::uint64_t> interrupt(std::uint64_t unique, std::uint64_t reply_to);

  // All that an earlier process had left was sent again: whoever was not does not wait any more.
  void settle();

  // Those that hold locks.
  std::vector<int> descriptors() const { return table_.descriptors(); }

 private:
  using Waiters = std::vector<LockWaiter*>;
  struct Stripe {
    Mutex mutex;
    // By file: those that a thread waits for in the kernel. An empty list is not kept.
    std::unordered_map<NodeId, Waiters> attended;
  };
  static constexpr std::size_t kStripes = 64;
  Stripe& stripe_of(NodeId node) { return stripes_[node % kStripes]; }

  struct Attempt {
    int error = 0;           // EAGAIN: somebody is in the way
    bool has_freed = false;  // something that others may wait for
  };

  // All of these with the file's stripe held.
  Attempt attempt(const LockRequest& request);
  Attempt unlock(const LockRequest& request);
  Attempt lock(const LockRequest& request, LockOwnerRecord& owner);
  Attempt retry(LockWaiter& waiter);
  Attempt attend(LockWaiter& waiter, const LockRequest& request);
  Result<LockOwnerRecord*> owner_for(const LockRequest& request);
  Result<void> open_for(LockOwnerRecord& owner, const LockRequest& request);
  Result<void> reopen_for_writing(LockOwnerRecord& owner, UniqueFd fresh);
  Result<std::optional<LockConflict>> test_backing(const LockRequest& request);
  std::optional<int> wait(const LockRequest& request);
  std::optional<int> resume_wait(LockWaiter& waiter, const LockRequest& request);
  void serve(NodeId node, LockKind kind);
  bool serve_once(NodeId node, LockKind kind);
  bool is_covered(const LockWish& wish);
  void finish(LockWaiter& waiter, int error);
  bool drop(LockOwnerRecord& owner);
  void drop_if_idle(LockOwnerRecord& owner);
  static void close_descriptor(LockOwnerRecord& owner);

  void wait_ended(std::uint64_t unique, int error);
  bool take_early_interrupt(std::uint64_t unique);

  Mount& mount_;
  LockTable table_;
  Answer answer_;
  std::size_t most_owners_;
  std::atomic<bool> is_settled_;
  std::array<Stripe, kStripes> stripes_;
  // One at a time: of two that close a circle only the second is refused.
  Mutex deadlock_;
  // Interrupts of requests that are not known (yet), the oldest first.
  Mutex early_mutex_;
  struct EarlyInterrupt {
    std::uint64_t unique;
    std::uint64_t reply_to;
  };
  std::deque<EarlyInterrupt> early_ CVFS_GUARDED_BY(early_mutex_);
  LockWaits waits_;
};

}  // namespace cvfs
