#include "vfs/inode_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace cvfs {

static_assert(sizeof(InodeRecord) <= 128);

namespace {

constexpr std::size_t kHeaderBytes = 4096;

// FNV-1a over what tells files apart: the handle, so that a file is found by it alone.
std::uint64_t hash_of(const FileId& id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3ULL;
    hash ^= hash >> 29;
  };
  if (!id.can_reopen()) {
    mix(id.device);
    mix(id.inode);
  }
  for (std::size_t i = 0; i < id.handle.size; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, id.handle.bytes + i, std::min(sizeof word, id.handle.size - i));
    mix(word);
  }
  return hash;
}

std::uint32_t bucket_count_for(std::uint32_t capacity) {
  return std::bit_ceil(std::max<std::uint32_t>(capacity / 4, 64));
}

}  // namespace

std::size_t InodeTable::bytes_for(std::uint32_t capacity) {
  return kHeaderBytes + bucket_count_for(capacity) * sizeof(std::uint32_t) +
         (std::size_t{capacity} + 1) * sizeof(InodeRecord);
}

// Only what was ever used: the rest is a few GB of nothing, and the chains are made anew.
Outcome<void> InodeTable::migrate(std::span<const std::byte> old, std::uint32_t,
                                  std::span<std::byte> fresh) {
  const auto& header = *reinterpret_cast<const Header*>(old.data());
  const std::size_t records_at = kHeaderBytes + header.bucket_count * sizeof(std::uint32_t);
  const std::size_t records = std::size_t{header.never_used} * sizeof(InodeRecord);
  const bool fits =
      old.size() == fresh.size() && records_at <= old.size() && records <= old.size() - records_at;
  if (!fits) return refuse({ExitCode::kSystem, "state memory", "its inodes are damaged", ""});
  std::ranges::copy(old.first(kHeaderBytes), fresh.begin());
  std::ranges::copy(old.subspan(records_at, records),
                    fresh.begin() + static_cast<std::ptrdiff_t>(records_at));
  return {};
}

InodeTable::InodeTable(std::span<std::byte> memory, std::uint32_t capacity)
    : InodeTable(memory, capacity, true) {}

InodeTable InodeTable::adopt(std::span<std::byte> memory, std::uint32_t capacity,
                             const std::function<void(std::int32_t)>& orphan) {
  InodeTable table(memory, capacity, false);
  table.rebuild(orphan);
  return table;
}

// Zero pages are valid records: free, undecided, before their first generation.
InodeTable::InodeTable(std::span<std::byte> memory, std::uint32_t capacity, bool fresh)
    : header_(reinterpret_cast<Header*>(memory.data())),
      buckets_(reinterpret_cast<std::uint32_t*>(memory.data() + kHeaderBytes)),
      records_(reinterpret_cast<InodeRecord*>(memory.data() + kHeaderBytes +
                                              bucket_count_for(capacity) * sizeof(std::uint32_t))),
      locks_(std::make_unique<Locks>()) {
  if (!fresh) return;
  new (header_) Header{};
  header_->capacity = capacity;
  header_->bucket_count = bucket_count_for(capacity);
  header_->never_used = static_cast<std::uint32_t>(kRootNode) + 1;
}

// Which records are in use is said by their lookup counts alone; the chains and the free list may
// have been left half done, and are made anew.
void InodeTable::rebuild(const std::function<void(std::int32_t)>& orphan) {
  // Only the buckets of records that were ever used can be occupied; there are millions of others.
  for (std::uint32_t i = kRootNode; i < header_->never_used; ++i) {
    buckets_[bucket_of(records_[i].id)] = 0;
  }
  std::uint32_t first_free = 0;
  std::uint64_t live = 0;
  for (std::uint32_t i = kRootNode; i < header_->never_used; ++i) {
    InodeRecord& record = records_[i];
    if (record.lookup_count != 0) {
      std::uint32_t& bucket = buckets_[bucket_of(record.id)];
      record.next = bucket;
      bucket = i;
      if (i != kRootNode) ++live;
      continue;
    }
    if (record.backing > 0) orphan(record.backing);
    record.backing = kBackingUndecided;
    record.next = first_free;
    first_free = i;
  }
  header_->live = live;
  const MutexLock lock(locks_->allocation);
  header_->first_free = first_free;
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
  ++record.generation;
  record.backing.store(kBackingUndecided, std::memory_order_relaxed);
  record.kept_for_good.store(false, std::memory_order_relaxed);
  record.unclaimed.store(false, std::memory_order_relaxed);
  record.unwatched.store(false, std::memory_order_relaxed);
  record.may_be_mapped.store(false, std::memory_order_relaxed);
  record.recently_unclaimed_until.store(0, std::memory_order_relaxed);
  // Last: from here on the record counts for whoever adopts the table.
  record.lookup_count.store(1, std::memory_order_release);
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

void InodeTable::for_each_of(const sys::FileHandle& handle,
                             const std::function<void(NodeId, const InodeRecord&)>& visit) {
  if (handle.size == 0) return;
  FileId wanted;
  wanted.handle = handle;
  const std::uint32_t bucket = bucket_of(wanted);
  const MutexLock lock(lock_of(bucket));
  for (std::uint32_t i = buckets_[bucket]; i != 0; i = records_[i].next) {
    if (records_[i].id.handle == handle) visit(i, records_[i]);
  }
}

std::uint32_t InodeTable::never_used() {
  const MutexLock lock(locks_->allocation);
  return header_->never_used;
}

void InodeTable::for_each(const std::function<void(NodeId, InodeRecord&)>& visit) {
  const std::uint32_t end = never_used();
  for (std::uint32_t i = kRootNode; i < end; ++i) {
    if (records_[i].lookup_count != 0) visit(i, records_[i]);
  }
}

void InodeTable::recycle(NodeId node) {
  InodeRecord& record = records_[node];
  header_->live.fetch_sub(1, std::memory_order_relaxed);
  const MutexLock lock(locks_->allocation);
  record.next = header_->first_free;
  header_->first_free = static_cast<std::uint32_t>(node);
}

}  // namespace cvfs
