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

void LockSection::free_chain(std::uint32_t first) {
  for (std::uint32_t i = first; i != 0; i = ranges_[i].next) free_ranges_.push_back(i);
}

void LockSection::give_back(LockOwnerRecord& owner) {
  owner.is_used.store(0, std::memory_order_release);
  free_chain(owner.ranges.exchange(0));
  free_owners_.push_back(static_cast<std::uint32_t>(&owner - owners_));
}

void LockSection::give_back(LockWaiterRecord& waiter) {
  waiter.unique.store(0, std::memory_order_release);
  free_waiters_.push_back(static_cast<std::uint32_t>(&waiter - waiters_));
}

std::vector<HeldRange> LockSection::ranges_of(const LockOwnerRecord& owner) const {
  std::vector<HeldRange> held;
  // Whoever reads in another process may step into a chain that is being written.
  for (std::uint32_t i = owner.ranges; i != 0 && held.size() < kRanges; i = ranges_[i].next) {
    held.push_back({{ranges_[i].first, ranges_[i].last}, ranges_[i].type, ranges_[i].since});
  }
  return held;
}

bool LockSection::replace_ranges(LockOwnerRecord& owner, const std::vector<HeldRange>& held) {
  std::uint32_t first = 0;
  for (const HeldRange& piece : std::vector<HeldRange>(held.rbegin(), held.rend())) {
    const std::uint32_t index = take(free_ranges_, header_->ranges_used, kRanges);
    if (index == 0) {
      free_chain(first);
      return false;
    }
    ranges_[index] = {piece.range.first, piece.range.last, piece.since, piece.type, first};
    first = index;
  }
  free_chain(owner.ranges.exchange(first, std::memory_order_acq_rel));
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
