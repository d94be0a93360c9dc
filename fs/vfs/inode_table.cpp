#include "vfs/inode_table.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace cvfs {

static_assert(sizeof(InodeRecord) <= 128);

namespace {

constexpr std::size_t kBucketsAt = 4096;

// The most; a table begins with a page of them and has one more for each two inodes, so that a
// small one touches little memory.
std::uint32_t most_buckets_for(std::uint32_t capacity) {
  return std::bit_ceil(std::max<std::uint32_t>(capacity / 4, 64));
}

// Whoever rebuilds a table finds most of it as it is to be, and a page that is only read costs a
// new process less than one that is written.
void set_next(InodeRecord& record, std::uint32_t next) {
  if (record.next != next) record.next = next;
}

constexpr std::uint32_t kFirstBuckets = 1024;
constexpr std::uint64_t kInodesPerBucket = 2;

}  // namespace

std::size_t InodeTable::bytes_for(std::uint32_t capacity) {
  return kBucketsAt + most_buckets_for(capacity) * sizeof(std::uint32_t) +
         (std::size_t{capacity} + 1) * sizeof(InodeRecord);
}

// Only what was ever used: the rest is a few GB of nothing, and the chains are made anew.
Outcome<void> InodeTable::migrate(std::span<const std::byte> old, std::uint32_t,
                                  std::span<std::byte> fresh) {
  const auto& header = *reinterpret_cast<const Header*>(old.data());
  const std::size_t records_at = kBucketsAt + header.bucket_count * sizeof(std::uint32_t);
  const std::size_t records = std::size_t{header.never_used} * sizeof(InodeRecord);
  const bool fits =
      old.size() == fresh.size() && records_at <= old.size() && records <= old.size() - records_at;
  if (!fits) return refuse({ExitCode::kSystem, "state memory", "its inodes are damaged", ""});
  std::ranges::copy(old.first(kBucketsAt), fresh.begin());
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
      buckets_(reinterpret_cast<std::uint32_t*>(memory.data() + kBucketsAt)),
      records_(reinterpret_cast<InodeRecord*>(memory.data() + kBucketsAt +
                                              most_buckets_for(capacity) * sizeof(std::uint32_t))),
      locks_(std::make_unique<Locks>()) {
  if (fresh) {
    new (header_) Header{};
    header_->capacity = capacity;
    header_->bucket_count = std::min(kFirstBuckets, most_buckets_for(capacity));
    header_->never_used = static_cast<std::uint32_t>(kRootNode) + 1;
  }
  locks_->buckets_in_use = header_->bucket_count;
}

// Which records are in use is said by their lookup counts alone; the chains and the free list may
// have been left half done, and are made anew.
void InodeTable::rebuild(const std::function<void(std::int32_t)>& orphan) {
  // There are no more of them than records that were ever used, but for the first few. Those from
  // bucket_count on are emptied before they are used again.
  std::fill_n(buckets_, header_->bucket_count, 0);
  std::uint32_t first_free = 0;
  std::uint64_t live = 0;
  for (std::uint32_t i = kRootNode; i < header_->never_used; ++i) {
    InodeRecord& record = records_[i];
    if (record.lookup_count != 0) {
      link(i, bucket_of(digest_of(record.id)));
      if (i != kRootNode) ++live;
      continue;
    }
    if (record.backing > 0) orphan(record.backing);
    if (record.backing != kBackingUndecided) record.backing = kBackingUndecided;
    set_next(record, first_free);
    first_free = i;
  }
  header_->live = live;
  const MutexLock lock(locks_->allocation);
  header_->first_free = first_free;
}

// Linear hashing: with 2^k + n buckets, the first n of the 2^k have given half of theirs to one
// beyond. kShards divides 2^k, so both halves have the same lock.
std::uint32_t InodeTable::bucket_of(std::uint64_t hash) const {
  const std::uint32_t count = locks_->buckets_in_use.load(std::memory_order_relaxed);
  const std::uint32_t mask = std::bit_ceil(count) - 1;
  const std::uint32_t bucket = static_cast<std::uint32_t>(hash) & mask;
  return bucket < count ? bucket : bucket & (mask >> 1);
}

void InodeTable::link(std::uint32_t index, std::uint32_t bucket) {
  set_next(records_[index], buckets_[bucket]);
  buckets_[bucket] = index;
}

bool InodeTable::is_crowded() const {
  const std::uint32_t count = locks_->buckets_in_use.load(std::memory_order_relaxed);
  return live() > kInodesPerBucket * count && count < most_buckets_for(header_->capacity);
}

void InodeTable::add_bucket() {
  const MutexLock growth(locks_->growth);
  if (!is_crowded()) return;
  const std::uint32_t added = locks_->buckets_in_use.load(std::memory_order_relaxed);
  const std::uint32_t halved = added - std::bit_floor(added);
  const MutexLock lock(lock_of(halved));
  // In this order: whoever adopts the table finds no record in a bucket that is not its own.
  std::uint32_t index = std::exchange(buckets_[halved], 0);
  buckets_[added] = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  locks_->buckets_in_use.store(added + 1, std::memory_order_relaxed);
  header_->bucket_count = std::bit_floor(added + 1);
  while (index != 0) {
    const std::uint32_t next = records_[index].next;
    link(index, bucket_of(digest_of(records_[index].id)));
    index = next;
  }
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
  const auto remembered = find_or_add(id, digest_of(id));
  if (is_crowded()) add_bucket();
  return remembered;
}

std::optional<NodeId> InodeTable::count_known(const FileId& id) {
  const std::uint64_t hash = digest_of(id);
  const MutexLock lock(lock_of(hash));
  for (std::uint32_t i = buckets_[bucket_of(hash)]; i != 0; i = records_[i].next) {
    const FileId& known = records_[i].id;
    if (known.device != id.device || !(known.handle == id.handle)) continue;
    ++records_[i].lookup_count;
    return i;
  }
  return std::nullopt;
}

Result<InodeTable::Remembered> InodeTable::find_or_add(const FileId& id, std::uint64_t hash) {
  const MutexLock lock(lock_of(hash));
  const std::uint32_t bucket = bucket_of(hash);
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
  record.held_until_forget.store(false, std::memory_order_relaxed);
  record.unclaimed.store(false, std::memory_order_relaxed);
  record.unwatched.store(false, std::memory_order_relaxed);
  record.may_be_mapped.store(false, std::memory_order_relaxed);
  record.recently_unclaimed_until.store(0, std::memory_order_relaxed);
  // Last: from here on the record counts for whoever adopts the table.
  record.lookup_count.store(1, std::memory_order_release);
  link(index, bucket);
  header_->live.fetch_add(1, std::memory_order_relaxed);
  return Remembered{index, record.generation, true};
}

void InodeTable::set_root(const FileId& id) {
  const std::uint64_t hash = digest_of(id);
  const MutexLock lock(lock_of(hash));
  InodeRecord& record = records_[kRootNode];
  record.id = id;
  record.lookup_count = 1;  // the kernel never forgets the root
  link(static_cast<std::uint32_t>(kRootNode), bucket_of(hash));
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
  const std::uint64_t hash = digest_of(record.id);
  const MutexLock lock(lock_of(hash));
  if (record.lookup_count == 0) return false;
  record.lookup_count -= std::min(record.lookup_count.load(), count);
  if (record.lookup_count != 0) return false;
  std::uint32_t* place = &buckets_[bucket_of(hash)];
  while (*place != node) place = &records_[*place].next;
  *place = record.next;
  return true;
}

void InodeTable::for_each_of(const sys::FileHandle& handle,
                             const std::function<void(NodeId, const InodeRecord&)>& visit) {
  if (handle.size == 0) return;
  FileId wanted;
  wanted.handle = handle;
  const std::uint64_t hash = digest_of(wanted);
  const MutexLock lock(lock_of(hash));
  for (std::uint32_t i = buckets_[bucket_of(hash)]; i != 0; i = records_[i].next) {
    if (records_[i].id.handle == handle) visit(i, records_[i]);
  }
}

// A bucket that is added takes from one before it, and is visited after it.
void InodeTable::for_each_id(const std::function<void(NodeId, const FileId&)>& visit) {
  for (std::uint32_t bucket = 0; bucket < locks_->buckets_in_use; ++bucket) {
    const MutexLock lock(lock_of(bucket));
    for (std::uint32_t i = buckets_[bucket]; i != 0; i = records_[i].next) visit(i, records_[i].id);
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
