#include "vfs/file_cache.h"

#include <algorithm>

namespace cvfs {

void PinnedFile::release() {
  if (cache_ != nullptr) std::exchange(cache_, nullptr)->unpin(node_);
}

PinnedFile& PinnedFile::operator=(PinnedFile&& other) noexcept {
  release();
  cache_ = std::exchange(other.cache_, nullptr);
  node_ = other.node_;
  file_ = other.file_;
  return *this;
}

FileCache::FileCache(Store& store, std::size_t capacity, FileCacheCount* counts)
    : store_(store),
      idle_per_shard_(std::max<std::size_t>(capacity / kShards, 1)),
      counts_(counts) {}

void FileCache::take_pin(Shard& shard, Entry& entry) {
  if (entry.pins++ == 0) shard.idle.erase(entry.idle);
}

Result<PinnedFile> FileCache::pin(NodeId node, const FileId& id) {
  Shard& shard = shard_of(node);
  {
    const MutexLock lock(shard.mutex);
    const auto found = shard.entries.find(node);
    if (found != shard.entries.end()) {
      take_pin(shard, found->second);
      count(node, &FileCacheCount::hits);
      return PinnedFile(this, node, &found->second.file);
    }
    count(node, &FileCacheCount::misses);
  }
  return keep(node, TRY(store_.open_id(id)), false);
}

PinnedFile FileCache::keep(NodeId node, File file, bool for_good) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto [found, added] = shard.entries.try_emplace(node);
  Entry& entry = found->second;
  if (added) {
    entry.file = std::move(file);
    entry.pins = 1;
  } else {
    // Somebody was faster; our descriptor closes when `file` goes, after the lock.
    take_pin(shard, entry);
  }
  if (for_good && !std::exchange(entry.is_for_good, true)) {
    ++entry.pins;
    ++kept_for_good_;
  }
  return PinnedFile(this, node, &entry.file);
}

void FileCache::unpin(NodeId node) {
  File evicted;  // closed after the lock is released
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.entries.find(node);
  if (found == shard.entries.end() || --found->second.pins != 0) return;
  found->second.idle = shard.idle.insert(shard.idle.end(), node);
  if (shard.idle.size() <= idle_per_shard_) return;
  const auto oldest = shard.entries.find(shard.idle.front());
  evicted = std::move(oldest->second.file);
  shard.idle.pop_front();
  shard.entries.erase(oldest);
}

void FileCache::keep_for_good(NodeId node) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.entries.find(node);
  if (found == shard.entries.end() || std::exchange(found->second.is_for_good, true)) return;
  take_pin(shard, found->second);
  ++kept_for_good_;
}

void FileCache::let_go(NodeId node) {
  Shard& shard = shard_of(node);
  {
    const MutexLock lock(shard.mutex);
    const auto found = shard.entries.find(node);
    const bool is_kept = found != shard.entries.end() && found->second.is_for_good;
    if (!is_kept) return;
    found->second.is_for_good = false;
    --kept_for_good_;
  }
  unpin(node);
}

void FileCache::drop(NodeId node) {
  File dropped;
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.entries.find(node);
  if (found == shard.entries.end()) return;
  if (found->second.pins == 0) shard.idle.erase(found->second.idle);
  if (found->second.is_for_good) --kept_for_good_;
  dropped = std::move(found->second.file);
  shard.entries.erase(found);
}

void FileCache::hold(NodeId node) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.entries.find(node);
  if (found == shard.entries.end()) return;
  take_pin(shard, found->second);
  if (found->second.holds++ == 0) ++held_;
}

void FileCache::unhold(NodeId node) {
  Shard& shard = shard_of(node);
  {
    const MutexLock lock(shard.mutex);
    const auto found = shard.entries.find(node);
    if (found != shard.entries.end() && --found->second.holds == 0) --held_;
  }
  unpin(node);
}

unsigned FileCache::holds(NodeId node) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.entries.find(node);
  return found == shard.entries.end() ? 0 : found->second.holds;
}

void FileCache::adopt(NodeId node, int fd) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto [found, added] = shard.entries.try_emplace(node);
  if (added) found->second.file = File(UniqueFd(fd));
  ++found->second.pins;
  if (found->second.holds++ == 0) ++held_;
}

std::size_t FileCache::size() {
  std::size_t total = 0;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    total += shard.entries.size();
  }
  return total;
}

}  // namespace cvfs
