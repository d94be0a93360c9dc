#include "vfs/inode_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace cvfs {

static_assert(sizeof(InodeRecord) <= 128);

namespace {

constexpr std::size_t kHeaderBytes = 4096;

// FNV-1a over what tells files apart.
std::uint64_t hash_of(const FileId& id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3ULL;
    hash ^= hash >> 29;
  };
  mix(id.device);
  mix(id.inode);
  for (std::size_t i = 0; i < id.handle.size; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, id.handle.bytes + i, std::min(sizeof word, id.handle.size - i));
    mix(word);
  }
  return hash;
}

}  // namespace

Result<InodeTable> InodeTable::create(std::uint32_t capacity) {
  const std::uint32_t buckets = std::bit_ceil(std::max<std::uint32_t>(capacity / 4, 64));
  const std::size_t bytes = kHeaderBytes + buckets * sizeof(std::uint32_t) +
                            (std::size_t{capacity} + 1) * sizeof(InodeRecord);
  return InodeTable(TRY(sys::SharedMemory::create("cvfs-inodes", bytes)), capacity, buckets);
}

InodeTable::InodeTable(sys::SharedMemory memory, std::uint32_t capacity, std::uint32_t buckets)
    : memory_(std::move(memory)), locks_(std::make_unique<Locks>()) {
  auto* bytes = static_cast<std::byte*>(memory_.data());
  header_ = new (bytes) Header{};
  header_->capacity = capacity;
  header_->bucket_count = buckets;
  header_->never_used = static_cast<std::uint32_t>(kRootNode) + 1;
  buckets_ = reinterpret_cast<std::uint32_t*>(bytes + kHeaderBytes);
  // Zero pages are valid records: free, undecided, first generation.
  records_ = reinterpret_cast<InodeRecord*>(bytes + kHeaderBytes + buckets * sizeof(std::uint32_t));
}

std::uint32_t InodeTable::bucket_of(const FileId& id) const {
  return static_cast<std::uint32_t>(hash_of(id)) & (header_->bucket_count - 1);
}

Result<std::uint32_t> InodeTable::allocate() {
  const MutexLock lock(locks_->allocation);
  const std::uint32_t free = header_->first_free;
  if (free != 0) {
    header_->first_free = records_[free].next;
    return free;
  }
  if (header_->never_used > header_->capacity) return fail(ENFILE);
  return header_->never_used++;
}

Result<InodeTable::Remembered> InodeTable::remember(const FileId& id) {
  const std::uint32_t bucket = bucket_of(id);
  const MutexLock lock(lock_of(bucket));
  for (std::uint32_t i = buckets_[bucket]; i != 0; i = records_[i].next) {
    InodeRecord& record = records_[i];
    if (record.id == id) {
      ++record.lookup_count;
      return Remembered{i, record.generation, false};
    }
  }
  const std::uint32_t index = TRY(allocate());
  InodeRecord& record = records_[index];
  record.id = id;
  record.lookup_count = 1;
  record.backing.store(kBackingUndecided, std::memory_order_relaxed);
  record.unclaimed.store(false, std::memory_order_relaxed);
  record.recently_unclaimed_until.store(0, std::memory_order_relaxed);
  record.next = buckets_[bucket];
  buckets_[bucket] = index;
  header_->live.fetch_add(1, std::memory_order_relaxed);
  return Remembered{index, record.generation, true};
}

void InodeTable::set_root(const FileId& id) {
  const std::uint32_t bucket = bucket_of(id);
  const MutexLock lock(lock_of(bucket));
  InodeRecord& record = records_[kRootNode];
  record.id = id;
  record.lookup_count = 1;  // the kernel never forgets the root
  record.next = buckets_[bucket];
  buckets_[bucket] = static_cast<std::uint32_t>(kRootNode);
}

Result<InodeRecord*> InodeTable::find(NodeId node) {
  if (node == 0 || node > header_->capacity) return fail(ESTALE);
  InodeRecord& record = records_[node];
  if (record.lookup_count == 0) return fail(ESTALE);
  return &record;
}

bool InodeTable::forget(NodeId node, std::uint64_t count) {
  if (node <= kRootNode || node > header_->capacity) return false;
  InodeRecord& record = records_[node];
  const std::uint32_t bucket = bucket_of(record.id);
  const MutexLock lock(lock_of(bucket));
  if (record.lookup_count == 0) return false;
  record.lookup_count -= std::min(record.lookup_count.load(), count);
  if (record.lookup_count != 0) return false;
  std::uint32_t* link = &buckets_[bucket];
  while (*link != node) link = &records_[*link].next;
  *link = record.next;
  return true;
}

void InodeTable::recycle(NodeId node) {
  InodeRecord& record = records_[node];
  ++record.generation;
  header_->live.fetch_sub(1, std::memory_order_relaxed);
  const MutexLock lock(locks_->allocation);
  record.next = header_->first_free;
  header_->first_free = static_cast<std::uint32_t>(node);
}

}  // namespace cvfs
