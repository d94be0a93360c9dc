// HandleTable: the files and directories that the kernel has open, by number. A number is never
// used twice: a RELEASE may come twice, and must not close somebody else's file. Plain data in a
// section of the state memory, as the inodes. Thread-safe; locks in docs/locking.md.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs {

// Among a handle's flags, in the place of a flag that no open handle has: the inode's reference
// does not stay for it (op_opendir).
inline constexpr int kIsNotHeld = O_PATH;

struct HandleRecord {
  std::atomic<HandleId> id;  // 0: free
  NodeId node;
  std::atomic<std::int32_t> io;  // our descriptor for data; -1: none was needed so far
  std::int32_t flags;            // of open(2), and kIsNotHeld
  std::uint32_t uses;            // how many handles have had this record
  std::uint32_t next_free;

  bool is_held() const { return (flags & kIsNotHeld) == 0; }
};

class HandleTable {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static std::size_t bytes_for(std::uint32_t capacity);

  // In zeroed memory of bytes_for(capacity), which outlives the table.
  HandleTable(std::span<std::byte> memory, std::uint32_t capacity);
  // Goes on with what an earlier process left in such memory; its descriptors are ours.
  static HandleTable adopt(std::span<std::byte> memory, std::uint32_t capacity);

  HandleTable(HandleTable&&) = default;

  // `io` may be empty. ENFILE: the table is full.
  Result<HandleId> add(NodeId node, UniqueFd io, int flags);

  // EBADF: no such handle. The record stays while the kernel has the file open.
  Result<HandleRecord*> find(HandleId id);

  // Closes it. EBADF the second time.
  struct Closed {
    NodeId node;
    bool was_held;
  };
  Result<Closed> remove(HandleId id);

  // Every handle that is open.
  void for_each(const std::function<void(const HandleRecord&)>& visit) const;

  // Gives the handle its descriptor; if it has got one meanwhile, that one stays. Returns which.
  int set_io(HandleRecord& record, UniqueFd io);

  std::uint64_t open() const { return header_->open.load(std::memory_order_relaxed); }
  // How many of them have a descriptor for data.
  std::uint64_t ios() const { return header_->ios.load(std::memory_order_relaxed); }
  // The same of a table that another process serves with.
  static std::uint64_t open_in(std::span<const std::byte> memory) {
    return reinterpret_cast<const Header*>(memory.data())->open.load(std::memory_order_relaxed);
  }

 private:
  struct Header {
    std::uint32_t capacity;
    std::uint32_t first_free;  // guarded by *mutex_
    std::uint32_t never_used;  // guarded by *mutex_
    std::atomic<std::uint64_t> open;
    std::atomic<std::uint64_t> ios;
  };

  HandleTable(std::span<std::byte> memory, std::uint32_t capacity, bool fresh);

  Header* header_;
  HandleRecord* records_;  // [0] is never used
  std::unique_ptr<Mutex> mutex_;
};

}  // namespace cvfs
