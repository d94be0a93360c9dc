// InodeTable: the inodes that the kernel knows of, by number and by file id, with their lookup
// counts. All of it is plain data in a section of the state memory, linked by indices, never by
// pointers, and written in such an order that the next process can go on with it wherever this one
// ends. Thread-safe; locks in docs/locking.md.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/operator_error.h"
#include "base/result.h"
#include "store/store.h"

namespace cvfs {

// One inode; 128 bytes. `id` does not change while the kernel knows the inode, so it may be read
// without a lock by whoever serves a request on it.
struct InodeRecord {
  FileId id;
  std::atomic<std::uint64_t> lookup_count;  // changed under the shard lock; 0: a free record
  std::uint32_t generation;                 // grows each time the number is given to another file
  std::uint32_t next;                       // in its bucket or in the free list; 0: the last
  // kBackingUndecided, kBackingNone or the backing id that the kernel knows the file by.
  std::atomic<std::int32_t> backing;
  // The descriptor of its reference, good while it has an open handle or `held_until_forget`.
  std::atomic<std::int32_t> held_fd;
  std::atomic<bool> held_until_forget;  // its id cannot be opened again, or soon: vfs/kept_file.h
  std::atomic<bool> unclaimed;          // last seen so; vfs/claim.h
  std::atomic<bool> unwatched;          // nobody tells us what the host does to it
  std::atomic<bool> may_be_mapped;  // by who was passed through to it, and so may change unheard
  // Until then (seconds of CLOCK_MONOTONIC) requests may come that the kernel let pass when the
  // directory was unclaimed.
  std::atomic<std::uint32_t> recently_unclaimed_until;
};

inline constexpr std::int32_t kBackingUndecided = 0;
inline constexpr std::int32_t kBackingNone = -1;

class InodeTable {
 public:
  static constexpr std::uint32_t kLayoutVersion = 2;
  // Version 1 hashed files otherwise: the chains are made anew when the table is adopted.
  static Outcome<void> migrate(std::span<const std::byte> old, std::uint32_t old_version,
                               std::span<std::byte> fresh);
  // `capacity`: the most inodes at a time; memory is used only for those that there are.
  static std::size_t bytes_for(std::uint32_t capacity);

  // In zeroed memory of bytes_for(capacity), which outlives the table.
  InodeTable(std::span<std::byte> memory, std::uint32_t capacity);

  // Goes on with what an earlier process left in such memory. `orphan(backing id)` is called for
  // what it had not come to release.
  static InodeTable adopt(std::span<std::byte> memory, std::uint32_t capacity,
                          const std::function<void(std::int32_t)>& orphan);

  struct Remembered {
    NodeId node;
    std::uint32_t generation;
    bool is_new;
  };

  // Counts one lookup of the file, giving it a number if it has none. ENFILE: the table is full.
  Result<Remembered> remember(const FileId& id);

  // Counts one lookup of the file with this device and handle, if the kernel knows it.
  std::optional<NodeId> count_known(const FileId& id);

  // Gives the root its number. Once, before anything else.
  void set_root(const FileId& id);

  // ESTALE: not a number that the kernel can know.
  Result<InodeRecord*> find(NodeId node);

  // Every inode that the kernel knows and that has this handle: one, but for filesystems below each
  // other. Of a file without a handle: none. `visit` is called under a lock.
  void for_each_of(const sys::FileHandle& handle,
                   const std::function<void(NodeId, const InodeRecord&)>& visit);

  // Of a number that forget() has just taken out.
  InodeRecord& record(NodeId node) { return records_[node]; }

  // Takes `count` lookups back. If none is left, nobody finds the inode any more: the caller
  // releases what belongs to it and then calls recycle(). Returns whether that is so.
  [[nodiscard]] bool forget(NodeId node, std::uint64_t count);
  void recycle(NodeId node);

  // The ids of all of them. `visit` is called under a lock; what becomes known or is forgotten
  // meanwhile may be missed, and some may come twice.
  void for_each_id(const std::function<void(NodeId, const FileId&)>& visit);

  // Every inode that the kernel knows.
  void for_each(const std::function<void(NodeId, InodeRecord&)>& visit);

  std::uint64_t live() const { return header_->live.load(std::memory_order_relaxed); }
  // The same of a table that another process serves with.
  static std::uint64_t live_in(std::span<const std::byte> memory) {
    return reinterpret_cast<const Header*>(memory.data())->live.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kShards = 64;

  struct Header {
    std::uint32_t capacity;
    std::uint32_t bucket_count;  // a power of 2; as many more may be in use at the moment
    std::uint32_t first_free;    // guarded by allocation_
    std::uint32_t never_used;    // guarded by allocation_: records from here on are untouched
    std::atomic<std::uint64_t> live;
  };

  struct Locks {
    std::array<Mutex, kShards> shards;
    Mutex allocation;
    Mutex growth;
    std::atomic<std::uint32_t>
        buckets_in_use;  // grows under growth and the shard lock of both halves
  };

  InodeTable(std::span<std::byte> memory, std::uint32_t capacity, bool fresh);

  void rebuild(const std::function<void(std::int32_t)>& orphan);
  std::uint32_t never_used();
  // Under the shard lock of the hash, which is that of its bucket, however many there are.
  std::uint32_t bucket_of(std::uint64_t hash) const;
  Mutex& lock_of(std::uint64_t hash) { return locks_->shards[hash % kShards]; }
  Result<std::uint32_t> allocate();
  Result<Remembered> find_or_add(const FileId& id, std::uint64_t hash);
  void link(std::uint32_t index, std::uint32_t bucket);
  bool is_crowded() const;
  void add_bucket();

  Header* header_;
  std::uint32_t* buckets_;  // index of the first record of each bucket; 0: empty
  InodeRecord* records_;    // indexed by node number; 0 is never used
  std::unique_ptr<Locks> locks_;
};

}  // namespace cvfs
