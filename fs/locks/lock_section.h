// LockSection: the state memory of the locks of a view (section kLocks): owners with their
// descriptors, the ranges that they hold, the requests that wait. Plain data linked by indices.
// What an owner holds is a chain in order; the part of it that changes is written anew and put in
// place by one store, so that a process may die anywhere. Records that nobody refers to are free.
// Not thread-safe: its user's lock (LockTable). The records may be read by other processes, which
// see each as it was or as it is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "locks/held_ranges.h"
#include "locks/lock_types.h"

namespace cvfs {

// One owner of locks on one file.
struct LockOwnerRecord {
  std::atomic<std::uint32_t> is_used;
  LockKind kind;
  NodeId node;
  std::uint64_t id;
  HandleId handle;  // that it locked through last
  // What its locks are held by on the backing file; -1: none. Written before it is locked with.
  std::atomic<std::int32_t> fd;
  std::atomic<std::uint32_t> can_write;  // `fd` is open for writing
  std::int32_t pid;                      // who locked last, in the mount's pid namespace
  std::atomic<std::uint32_t> ranges;     // the first one; 0: none
  std::uint64_t order;                   // among the owners of a file: who came to hold first

  LockOwner key() const { return {node, id, kind}; }
};

struct LockRangeRecord {
  std::uint64_t first;
  std::uint64_t last;
  std::int64_t since;  // CLOCK_REALTIME, seconds
  LockType type;
  std::atomic<std::uint32_t> next;  // 0: the last one
};

// A request that waits, as it was sent.
struct LockWaiterRecord {
  std::atomic<std::uint64_t> unique;  // of the request; 0: free
  std::uint64_t order;                // who came first
  NodeId node;
  std::uint64_t id;
  HandleId handle;
  LockKind kind;
  LockType type;
  std::uint64_t first;
  std::uint64_t last;
  std::int32_t pid;
  std::int32_t tid;    // 0: it is no POSIX lock that the thread waits for (LockTable's PosixWait)
  std::int64_t since;  // CLOCK_REALTIME, microseconds

  LockOwner owner() const { return {node, id, kind}; }
  LockRange range() const { return {first, last}; }
};

class LockSection {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::uint32_t kOwners = 1 << 18;
  static constexpr std::uint32_t kRanges = 1 << 20;
  // Kept back for changes that need no more records than they free, while they are made.
  static constexpr std::uint32_t kSpareRanges = 1024;
  static constexpr std::uint32_t kWaiters = 1 << 18;
  static std::size_t bytes();

  // Zeroed, or what an earlier process left; of bytes().
  explicit LockSection(std::span<std::byte> memory);

  // Frees what no owner refers to. Before anything is taken.
  void adopt();

  // Null: there is no room. Everything but `is_used` and `unique` is the caller's to fill before
  // publish().
  LockOwnerRecord* take_owner();
  LockWaiterRecord* take_waiter();
  static void publish(LockOwnerRecord& owner) { owner.is_used.store(1, std::memory_order_release); }
  static void publish(LockWaiterRecord& waiter, std::uint64_t unique) {
    waiter.unique.store(unique, std::memory_order_release);
  }
  void give_back(LockOwnerRecord& owner);  // with its ranges
  void give_back(LockWaiterRecord& waiter);

  // The first `most`.
  std::vector<HeldRange> ranges_of(const LockOwnerRecord& owner, std::size_t most = kRanges) const;
  // The first of its ranges that `matches`; null: none.
  template <class Matches>
  const LockRangeRecord* find_range(const LockOwnerRecord& owner, Matches matches) const {
    for (std::uint32_t i = owner.ranges; i != 0; i = ranges_[i].next) {
      if (matches(ranges_[i])) return &ranges_[i];
    }
    return nullptr;
  }
  // May the owner (null: one that holds nothing yet) have what this change needs? Each may have as
  // many ranges as are left for all others, so that nobody takes the last. What needs no more
  // records than before is always possible.
  bool has_room(const LockOwnerRecord* owner, const HeldRange& change) const;
  // What it holds is `changed()`, whether has_room() or not. False, and nothing changed: no record
  // is left at all.
  bool change(LockOwnerRecord& owner, const HeldRange& change);
  void drop_ranges(LockOwnerRecord& owner) { free_chain(owner.ranges.exchange(0), 0); }

  // A number that is larger than all before.
  std::uint64_t next_order() { return ++header_->last_order; }

  void for_each_owner(const std::function<void(LockOwnerRecord&)>& visit) const;
  void for_each_waiter(const std::function<void(LockWaiterRecord&)>& visit) const;

 private:
  struct Header {
    std::uint64_t last_order;
    // Records from here on are untouched; [0] of each kind is never used.
    std::atomic<std::uint32_t> owners_used;
    std::atomic<std::uint32_t> ranges_used;
    std::atomic<std::uint32_t> waiters_used;
  };
  // What is free among the records that were ever used.
  using FreeList = std::vector<std::uint32_t>;

  // What a change comes to: the records after `before` (0: from the first one on) up to `rest` (0:
  // to the end), `affected`, become `pieces`.
  struct Splice {
    std::uint32_t before = 0;
    std::uint32_t rest = 0;
    std::size_t affected = 0;
    std::vector<HeldRange> pieces;
  };

  static std::uint32_t take(FreeList& free, std::atomic<std::uint32_t>& used,
                            std::uint32_t capacity);
  std::uint32_t take_range() { return take(free_ranges_, header_->ranges_used, kRanges); }
  Splice splice_of(const LockOwnerRecord& owner, const HeldRange& change) const;
  HeldRange range_at(std::uint32_t index) const;
  std::size_t count(const LockOwnerRecord& owner) const;
  void free_chain(std::uint32_t first, std::uint32_t end);

  Header* header_;
  LockOwnerRecord* owners_;
  LockRangeRecord* ranges_;
  LockWaiterRecord* waiters_;
  FreeList free_owners_;
  FreeList free_ranges_;
  FreeList free_waiters_;
};

}  // namespace cvfs
