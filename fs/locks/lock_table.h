// LockTable: who holds and who waits for which locks on the files of one view, over LockSection. It
// makes no system call and decides nothing: it answers what conflicts within the view, in which
// order requests wait, and which of them wait for each other in a circle. Thread-safe by one lock,
// a leaf; what belongs to one file is changed by one thread at a time (the caller sees to that), so
// that a record or a waiter that was found stays as it is.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "locks/lock_section.h"
#include "locks/lock_types.h"

namespace cvfs {

// What somebody wants of a file; kNone: to unlock.
struct LockWish {
  LockOwner owner;
  LockRange range;
  LockType type = LockType::kNone;
};

// A lock that is in somebody's way.
struct LockConflict {
  LockOwner owner;
  LockRange range;
  LockType type = LockType::kNone;
  std::int32_t pid = 0;
};

// Is it a POSIX lock that somebody waits for? Only those have deadlocks, by fcntl(2), and FUSE does
// not tell. kUnknown: nobody could see yet.
enum class PosixWait { kNo, kYes, kUnknown };

// One request that waits.
struct LockWaiter {
  enum class State {
    kUnconfirmed,  // an earlier process' that the kernel has not sent again (yet)
    kQueued,       // for somebody of this view, or behind one that is attended
    kAttended,     // for somebody else: a thread waits in the kernel in its place
  };
  LockWaiterRecord* record = nullptr;
  std::uint64_t reply_to = 0;
  State state = State::kQueued;
  bool is_cancelled = false;  // while attended
  LockOwner blocked_by;       // whose lock was in its way last
  PosixWait posix = PosixWait::kNo;
  int refusal = EINTR;  // what it is told if its wait is ended early

  LockWish wish() const { return {record->owner(), record->range(), record->type}; }
  std::uint64_t unique() const { return record->unique.load(std::memory_order_relaxed); }
};

// Of a request that is to wait.
struct LockWaiterFacts {
  std::uint64_t unique = 0;
  std::uint64_t reply_to = 0;
  LockWish wish;
  HandleId handle = 0;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  PosixWait posix = PosixWait::kNo;
};

class LockTable {
 public:
  // In zeroed memory of LockSection::bytes(), or in what an earlier process left there: its waiters
  // are unconfirmed then.
  explicit LockTable(std::span<std::byte> memory);

  // --- owners
  // Any on this file?
  bool has_owners(NodeId node) const;
  LockOwnerRecord* find(const LockOwner& owner) const;
  // Null: the table is full.
  LockOwnerRecord* add(const LockOwner& owner);
  // Its descriptor must be closed already.
  void remove(LockOwnerRecord& owner);
  std::vector<LockOwnerRecord*> owners_of(NodeId node) const;
  std::vector<int> descriptors() const;
  // Within it, nothing else of this table may be asked.
  void for_each_owner(const std::function<void(LockOwnerRecord&)>& visit) const;
  std::uint32_t owner_count() const { return owner_count_.load(std::memory_order_relaxed); }

  // --- what they hold
  // The first that conflicts, in the kernel's order: by when owners came to hold, then by range.
  std::optional<LockConflict> conflict(const LockWish& wish) const;
  // Is anybody in the way of one that waits? Mostly it is who was it before: he is asked first.
  bool is_blocked(LockWaiter& waiter) const;
  // May the owner have one more (LockSection::has_room())? To be asked before the kernel's locks
  // are changed: what was possible then can be set() afterwards.
  bool has_room(const LockWish& wish) const;
  // False, and nothing changed: the table is full.
  bool set(LockOwnerRecord& owner, const LockRange& range, LockType type);
  bool holds(const LockWish& wish) const;
  static bool holds_any(const LockOwnerRecord& owner) { return owner.ranges != 0; }
  std::vector<HeldRange> ranges_of(const LockOwnerRecord& owner) const;

  // --- who waits. Pointers are good until remove().
  // Null: the table is full.
  LockWaiter* add(const LockWaiterFacts& facts);
  LockWaiter* find_waiter(std::uint64_t unique) const;
  std::optional<NodeId> node_of_waiter(std::uint64_t unique) const;
  void remove(LockWaiter& waiter);
  // Of one that is sent again.
  void note_caller(LockWaiter& waiter, std::int32_t tid, PosixWait posix);
  // Or some that may be.
  bool has_posix_waits() const;
  bool is_awaited_by(const LockOwner& owner) const;
  // By any of his threads, on any file.
  bool is_waiting(std::uint64_t owner_id) const;
  // For a file, some of those that came after `order`, who came first first; none: there are no
  // more.
  std::vector<LockWaiter*> queue(NodeId node, LockKind kind, std::uint64_t order = 0) const;
  std::set<NodeId> awaited_files() const;
  std::unordered_set<LockOwner, LockOwnerHash> owners_that_wait() const;

  // Those who wait for POSIX locks, who came last first.
  std::vector<std::uint64_t> posix_waits() const;
  // Does it wait for somebody who waits for it, directly or through others?
  bool is_deadlock(const LockWaiter& waiter) const;

 private:
  using Queue = std::map<std::uint64_t, LockWaiter*>;  // by order
  struct FileLocks {
    std::vector<LockOwnerRecord*> owners;  // who holds something, in the order of it, and others
    Queue ranges;                          // the two kinds do not wait for each other
    Queue whole;

    Queue& queue(LockKind kind) { return kind == LockKind::kRange ? ranges : whole; }
  };
  // For those who wait, through others or not, for one owner.
  struct CircleSearch {
    std::uint64_t start = 0;
    std::vector<const LockWaiter*> next;
    std::unordered_set<std::uint64_t> searched;  // owners whose waits are or were in `next`
  };

  void index(LockOwnerRecord& owner) CVFS_REQUIRES(mutex_);
  LockWaiter* index(LockWaiterRecord& record, const LockWaiterFacts& facts, LockWaiter::State state)
      CVFS_REQUIRES(mutex_);
  void drop_if_empty(NodeId node) CVFS_REQUIRES(mutex_);
  const LockRangeRecord* conflicting(const LockOwnerRecord& owner, const LockWish& wish) const
      CVFS_REQUIRES(mutex_);
  std::optional<LockConflict> first_conflict(const LockWish& wish) const CVFS_REQUIRES(mutex_);
  bool waits_for_start(const LockWaiter& waiter, CircleSearch& search) const CVFS_REQUIRES(mutex_);
  void add_waits(std::uint64_t owner_id, CircleSearch& search) const CVFS_REQUIRES(mutex_);

  mutable Mutex mutex_;
  LockSection section_ CVFS_GUARDED_BY(mutex_);
  std::atomic<std::uint32_t> owner_count_ = 0;
  std::unordered_map<LockOwner, LockOwnerRecord*, LockOwnerHash> owners_ CVFS_GUARDED_BY(mutex_);
  std::unordered_map<NodeId, FileLocks> files_ CVFS_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, std::unique_ptr<LockWaiter>> waiters_ CVFS_GUARDED_BY(mutex_);
  std::unordered_multimap<std::uint64_t, LockWaiter*> by_owner_ CVFS_GUARDED_BY(mutex_);
};

}  // namespace cvfs
