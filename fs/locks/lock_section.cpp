#include "locks/lock_section.h"

namespace cvfs {

namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kOwnersAt = kHeaderBytes;
constexpr std::size_t kRangesAt =
    kOwnersAt + (LockSection::kOwners + std::size_t{1}) * sizeof(LockOwnerRecord);
constexpr std::size_t kWaitersAt =
    kRangesAt + (LockSection::kRanges + std::size_t{1}) * sizeof(LockRangeRecord);

}  // namespace

std::size_t LockSection::bytes() {
  return kWaitersAt + (kWaiters + std::size_t{1}) * sizeof(LockWaiterRecord);
}

LockSection::LockSection(std::span<std::byte> memory)
    : header_(reinterpret_cast<Header*>(memory.data())),
      owners_(reinterpret_cast<LockOwnerRecord*>(memory.data() + kOwnersAt)),
      ranges_(reinterpret_cast<LockRangeRecord*>(memory.data() + kRangesAt)),
      waiters_(reinterpret_cast<LockWaiterRecord*>(memory.data() + kWaitersAt)) {}

void LockSection::adopt() {
  std::vector<bool> is_held(header_->ranges_used + std::size_t{1});
  for (std::uint32_t i = 1; i <= header_->owners_used; ++i) {
    if (owners_[i].is_used == 0) {
      free_owners_.push_back(i);
      continue;
    }
    for (std::uint32_t r = owners_[i].ranges; r != 0; r = ranges_[r].next) is_held[r] = true;
  }
  for (std::uint32_t i = 1; i <= header_->ranges_used; ++i) {
    if (!is_held[i]) free_ranges_.push_back(i);
  }
  for (std::uint32_t i = 1; i <= header_->waiters_used; ++i) {
    if (waiters_[i].unique == 0) free_waiters_.push_back(i);
  }
}

std::uint32_t LockSection::take(FreeList& free, std::atomic<std::uint32_t>& used,
                                std::uint32_t capacity) {
  if (!free.empty()) {
    const std::uint32_t index = free.back();
    free.pop_back();
    return index;
  }
  if (used >= capacity) return 0;
  return ++used;
}

LockOwnerRecord* LockSection::take_owner() {
  const std::uint32_t index = take(free_owners_, header_->owners_used, kOwners);
  return index == 0 ? nullptr : &owners_[index];
}

LockWaiterRecord* LockSection::take_waiter() {
  const std::uint32_t index = take(free_waiters_, header_->waiters_used, kWaiters);
  return index == 0 ? nullptr : &waiters_[index];
}

void LockSection::free_chain(std::uint32_t first, std::uint32_t end) {
  for (std::uint32_t i = first; i != end; i = ranges_[i].next) free_ranges_.push_back(i);
}

void LockSection::give_back(LockOwnerRecord& owner) {
  owner.is_used.store(0, std::memory_order_release);
  drop_ranges(owner);
  free_owners_.push_back(static_cast<std::uint32_t>(&owner - owners_));
}

void LockSection::give_back(LockWaiterRecord& waiter) {
  waiter.unique.store(0, std::memory_order_release);
  free_waiters_.push_back(static_cast<std::uint32_t>(&waiter - waiters_));
}

std::vector<HeldRange> LockSection::ranges_of(const LockOwnerRecord& owner,
                                              std::size_t most) const {
  std::vector<HeldRange> held;
  // Whoever reads in another process may step into a chain that is being written.
  for (std::uint32_t i = owner.ranges; i != 0 && held.size() < most; i = ranges_[i].next) {
    held.push_back(range_at(i));
  }
  return held;
}

HeldRange LockSection::range_at(std::uint32_t index) const {
  const LockRangeRecord& record = ranges_[index];
  return {{record.first, record.last}, record.type, record.since};
}

std::size_t LockSection::count(const LockOwnerRecord& owner) const {
  std::size_t count = 0;
  for (std::uint32_t i = owner.ranges; i != 0; i = ranges_[i].next) ++count;
  return count;
}

// Also what only touches the change: it may become one with it.
LockSection::Splice LockSection::splice_of(const LockOwnerRecord& owner,
                                           const HeldRange& change) const {
  Splice splice;
  std::uint32_t i = owner.ranges;
  for (; i != 0 && ranges_[i].last + 1 < change.range.first; i = ranges_[i].next) splice.before = i;
  std::vector<HeldRange> affected;
  for (; i != 0 && ranges_[i].first <= change.range.last + 1; i = ranges_[i].next) {
    affected.push_back(range_at(i));
  }
  splice.rest = i;
  splice.affected = affected.size();
  splice.pieces = changed(affected, change);
  return splice;
}

bool LockSection::has_room(const LockOwnerRecord* owner, const HeldRange& change) const {
  std::size_t has = 0;
  if (owner != nullptr) {
    const Splice splice = splice_of(*owner, change);
    if (splice.pieces.size() <= splice.affected) return true;
    has = count(*owner);
  } else if (change.type == LockType::kNone) {
    return true;
  }
  const std::size_t left = free_ranges_.size() + (kRanges - header_->ranges_used);
  return left > kSpareRanges && has < left - kSpareRanges;
}

bool LockSection::change(LockOwnerRecord& owner, const HeldRange& change) {
  const Splice splice = splice_of(owner, change);
  std::uint32_t first = splice.rest;
  for (auto piece = splice.pieces.rbegin(); piece != splice.pieces.rend(); ++piece) {
    const std::uint32_t index = take_range();
    if (index == 0) {
      free_chain(first, splice.rest);
      return false;
    }
    LockRangeRecord& record = ranges_[index];
    record.first = piece->range.first;
    record.last = piece->range.last;
    record.since = piece->since;
    record.type = piece->type;
    record.next = first;
    first = index;
  }
  std::atomic<std::uint32_t>& link =
      splice.before == 0 ? owner.ranges : ranges_[splice.before].next;
  free_chain(link.exchange(first, std::memory_order_acq_rel), splice.rest);
  return true;
}

void LockSection::for_each_owner(const std::function<void(LockOwnerRecord&)>& visit) const {
  for (std::uint32_t i = 1; i <= header_->owners_used; ++i) {
    if (owners_[i].is_used.load(std::memory_order_acquire) != 0) visit(owners_[i]);
  }
}

void LockSection::for_each_waiter(const std::function<void(LockWaiterRecord&)>& visit) const {
  for (std::uint32_t i = 1; i <= header_->waiters_used; ++i) {
    if (waiters_[i].unique.load(std::memory_order_acquire) != 0) visit(waiters_[i]);
  }
}

}  // namespace cvfs
