// FileCache: references (O_PATH descriptors) to the inodes that were used last. The kernel may know
// millions of inodes; descriptors are few (the hard limit can be as low as 20,000). A file that is
// not here is opened again by its id. Thread-safe; locks in docs/locking.md.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "journal/measurements.h"
#include "store/store.h"

namespace cvfs {

class FileCache;

// Holds one file in the cache for as long as it lives. Move-only.
class PinnedFile {
 public:
  PinnedFile() = default;
  PinnedFile(PinnedFile&& other) noexcept
      : cache_(std::exchange(other.cache_, nullptr)), node_(other.node_), file_(other.file_) {}
  PinnedFile& operator=(PinnedFile&& other) noexcept;
  ~PinnedFile() { release(); }

  const File& operator*() const { return *file_; }
  const File* operator->() const { return file_; }

 private:
  friend class FileCache;
  PinnedFile(FileCache* cache, NodeId node, const File* file)
      : cache_(cache), node_(node), file_(file) {}
  void release();

  FileCache* cache_ = nullptr;
  NodeId node_ = 0;
  const File* file_ = nullptr;
};

class FileCache {
 public:
  // `capacity`: descriptors that are kept without being in use. `counts`: one a shard; null: nobody
  // wants to know.
  FileCache(Store& store, std::size_t capacity, FileCacheCount* counts = nullptr);

  // The inode's file, opened by `id` if it is not here. ESTALE: it is gone. EMFILE, ENFILE.
  Result<PinnedFile> pin(NodeId node, const FileId& id);

  // The same for a file that has just been opened; kept for good if its id cannot be opened again.
  PinnedFile keep(NodeId node, File file, bool for_good);
  // How many are.
  std::size_t kept_for_good() const { return kept_for_good_; }

  // Keeps what is pinned for good, and no longer.
  void keep_for_good(NodeId node);
  void let_go(NodeId node);

  // The number is about to be given to another file. Nobody may have it pinned.
  void drop(NodeId node);

  // Between these two the file stays, however long (an open handle: an unlinked file cannot be
  // opened by its id again). Counted.
  void hold(NodeId node);
  void unhold(NodeId node);
  // How many hold it.
  unsigned holds(NodeId node);
  // How many inodes are held.
  std::size_t held() const { return held_.load(std::memory_order_relaxed); }

  // hold() of a file whose reference an earlier process opened; it is ours from now on.
  void adopt(NodeId node, int fd);

  std::size_t size();

 private:
  friend class PinnedFile;

  struct Entry {
    File file;
    unsigned pins = 0;  // holds and others
    unsigned holds = 0;
    bool is_for_good = false;
    std::list<NodeId>::iterator idle;  // valid while pins == 0
  };

  struct Shard {
    Mutex mutex;
    std::unordered_map<NodeId, Entry> entries CVFS_GUARDED_BY(mutex);
    std::list<NodeId> idle CVFS_GUARDED_BY(mutex);  // least recently used first
  };

  static constexpr std::size_t kShards = Measurements::kShards;

  Shard& shard_of(NodeId node) { return shards_[node % kShards]; }
  void unpin(NodeId node);
  void count(NodeId node, LoneCount FileCacheCount::*what) {
    if (counts_ != nullptr) (counts_[node % kShards].*what).add(1);
  }
  static void take_pin(Shard& shard, Entry& entry) CVFS_REQUIRES(shard.mutex);

  Store& store_;
  std::size_t idle_per_shard_;
  FileCacheCount* counts_;
  std::atomic<std::size_t> kept_for_good_ = 0;
  std::atomic<std::size_t> held_ = 0;
  std::array<Shard, kShards> shards_;
};

}  // namespace cvfs
