#include "locks/lock_table.h"

#include <algorithm>
#include <ctime>

namespace cvfs {

namespace {

std::int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

LockTable::LockTable(std::span<std::byte> memory) : section_(memory) {
  const MutexLock lock(mutex_);
  section_.adopt();
  std::vector<LockOwnerRecord*> left;
  section_.for_each_owner([&](LockOwnerRecord& owner) { left.push_back(&owner); });
  std::ranges::sort(left, {}, &LockOwnerRecord::order);
  for (LockOwnerRecord* owner : left) {
    // Its process died over closing it: nothing is held by it any more.
    if (owner->fd < 0) section_.drop_ranges(*owner);
    index(*owner);
  }
  std::vector<LockWaiterRecord*> waiting;
  section_.for_each_waiter([&](LockWaiterRecord& record) { waiting.push_back(&record); });
  for (LockWaiterRecord* record : waiting) {
    LockWaiterFacts facts;
    facts.unique = record->unique;
    index(*record, facts, LockWaiter::State::kUnconfirmed);
  }
}

// ---- owners

void LockTable::index(LockOwnerRecord& owner) {
  owners_[owner.key()] = &owner;
  files_[owner.node].owners.push_back(&owner);
  ++owner_count_;
}

void LockTable::drop_if_empty(NodeId node) {
  const auto file = files_.find(node);
  if (file != files_.end() && file->second.owners.empty() && file->second.ranges.empty() &&
      file->second.whole.empty()) {
    files_.erase(file);
  }
}

bool LockTable::has_owners(NodeId node) const {
  if (owner_count() == 0) return false;
  const MutexLock lock(mutex_);
  const auto file = files_.find(node);
  return file != files_.end() && !file->second.owners.empty();
}

LockOwnerRecord* LockTable::find(const LockOwner& owner) const {
  const MutexLock lock(mutex_);
  const auto found = owners_.find(owner);
  return found == owners_.end() ? nullptr : found->second;
}

LockOwnerRecord* LockTable::add(const LockOwner& owner) {
  const MutexLock lock(mutex_);
  LockOwnerRecord* record = section_.take_owner();
  if (record == nullptr) return nullptr;
  record->kind = owner.kind;
  record->node = owner.node;
  record->id = owner.id;
  record->handle = 0;
  record->fd = -1;
  record->can_write = 0;
  record->pid = 0;
  record->ranges = 0;
  record->order = section_.next_order();
  LockSection::publish(*record);
  index(*record);
  return record;
}

void LockTable::remove(LockOwnerRecord& owner) {
  const MutexLock lock(mutex_);
  const NodeId node = owner.node;
  owners_.erase(owner.key());
  std::erase(files_[node].owners, &owner);
  drop_if_empty(node);
  --owner_count_;
  section_.give_back(owner);
}

std::vector<LockOwnerRecord*> LockTable::owners_of(NodeId node) const {
  const MutexLock lock(mutex_);
  const auto file = files_.find(node);
  return file == files_.end() ? std::vector<LockOwnerRecord*>() : file->second.owners;
}

std::vector<int> LockTable::descriptors() const {
  const MutexLock lock(mutex_);
  std::vector<int> descriptors;
  section_.for_each_owner([&](const LockOwnerRecord& owner) {
    if (owner.fd >= 0) descriptors.push_back(owner.fd);
  });
  return descriptors;
}

void LockTable::for_each_owner(const std::function<void(LockOwnerRecord&)>& visit) const {
  const MutexLock lock(mutex_);
  section_.for_each_owner(visit);
}

// ---- what they hold

const LockRangeRecord* LockTable::conflicting(const LockOwnerRecord& owner,
                                              const LockWish& wish) const {
  if (owner.kind != wish.owner.kind || owner.id == wish.owner.id) return nullptr;
  return section_.find_range(owner, [&](const LockRangeRecord& held) {
    return excludes(held.type, wish.type) && wish.range.overlaps({held.first, held.last});
  });
}

std::optional<LockConflict> LockTable::conflict(const LockWish& wish) const {
  const MutexLock lock(mutex_);
  return first_conflict(wish);
}

bool LockTable::is_blocked(LockWaiter& waiter) const {
  const MutexLock lock(mutex_);
  const LockWish wish = waiter.wish();
  const auto before = owners_.find(waiter.blocked_by);
  if (before != owners_.end() && before->second->node == wish.owner.node &&
      conflicting(*before->second, wish) != nullptr) {
    return true;
  }
  const auto conflict = first_conflict(wish);
  if (conflict) waiter.blocked_by = conflict->owner;
  return conflict.has_value();
}

std::optional<LockConflict> LockTable::first_conflict(const LockWish& wish) const {
  const auto file = files_.find(wish.owner.node);
  if (file == files_.end()) return std::nullopt;
  for (const LockOwnerRecord* owner : file->second.owners) {
    if (const LockRangeRecord* held = conflicting(*owner, wish)) {
      return LockConflict{owner->key(), {held->first, held->last}, held->type, owner->pid};
    }
  }
  return std::nullopt;
}

bool LockTable::has_room(const LockWish& wish) const {
  const MutexLock lock(mutex_);
  const auto owner = owners_.find(wish.owner);
  return section_.has_room(owner == owners_.end() ? nullptr : owner->second,
                           {wish.range, wish.type, 0});
}

bool LockTable::set(LockOwnerRecord& owner, const LockRange& range, LockType type) {
  const MutexLock lock(mutex_);
  const bool held_none = owner.ranges == 0;
  if (!section_.change(owner, {range, type, now_us() / 1'000'000})) return false;
  if (held_none && owner.ranges != 0) {
    owner.order = section_.next_order();
    auto& owners = files_[owner.node].owners;
    std::rotate(std::ranges::find(owners, &owner), std::ranges::find(owners, &owner) + 1,
                owners.end());
  }
  return true;
}

bool LockTable::holds(const LockWish& wish) const {
  const MutexLock lock(mutex_);
  const auto owner = owners_.find(wish.owner);
  if (owner == owners_.end()) return false;
  return section_.find_range(*owner->second, [&](const LockRangeRecord& held) {
    return held.type == wish.type && LockRange{held.first, held.last}.contains(wish.range);
  }) != nullptr;
}

std::vector<HeldRange> LockTable::ranges_of(const LockOwnerRecord& owner) const {
  const MutexLock lock(mutex_);
  return section_.ranges_of(owner);
}

// ---- who waits

LockWaiter* LockTable::index(LockWaiterRecord& record, const LockWaiterFacts& facts,
                             LockWaiter::State state) {
  auto waiter = std::make_unique<LockWaiter>();
  waiter->record = &record;
  waiter->reply_to = facts.reply_to;
  waiter->posix = facts.posix;
  waiter->state = state;
  LockWaiter* const added = waiter.get();
  files_[record.node].queue(record.kind)[record.order] = added;
  by_owner_.emplace(record.id, added);
  waiters_[facts.unique] = std::move(waiter);
  return added;
}

LockWaiter* LockTable::add(const LockWaiterFacts& facts) {
  const MutexLock lock(mutex_);
  LockWaiterRecord* record = section_.take_waiter();
  if (record == nullptr) return nullptr;
  record->order = section_.next_order();
  record->node = facts.wish.owner.node;
  record->id = facts.wish.owner.id;
  record->handle = facts.handle;
  record->kind = facts.wish.owner.kind;
  record->type = facts.wish.type;
  record->first = facts.wish.range.first;
  record->last = facts.wish.range.last;
  record->pid = facts.pid;
  record->tid = facts.posix == PosixWait::kNo ? 0 : facts.tid;
  record->since = now_us();
  LockSection::publish(*record, facts.unique);
  return index(*record, facts, LockWaiter::State::kQueued);
}

LockWaiter* LockTable::find_waiter(std::uint64_t unique) const {
  const MutexLock lock(mutex_);
  const auto found = waiters_.find(unique);
  return found == waiters_.end() ? nullptr : found->second.get();
}

std::optional<NodeId> LockTable::node_of_waiter(std::uint64_t unique) const {
  const MutexLock lock(mutex_);
  const auto found = waiters_.find(unique);
  if (found == waiters_.end()) return std::nullopt;
  return found->second->record->node;
}

void LockTable::remove(LockWaiter& waiter) {
  const MutexLock lock(mutex_);
  LockWaiterRecord& record = *waiter.record;
  const NodeId node = record.node;
  const auto [first, last] = by_owner_.equal_range(record.id);
  by_owner_.erase(
      std::find_if(first, last, [&](const auto& one) { return one.second == &waiter; }));
  files_[node].queue(record.kind).erase(record.order);
  drop_if_empty(node);
  const std::uint64_t unique = record.unique;
  section_.give_back(record);
  waiters_.erase(unique);
}

bool LockTable::has_posix_waits() const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(waiters_,
                             [](const auto& one) { return one.second->posix != PosixWait::kNo; });
}

void LockTable::note_caller(LockWaiter& waiter, std::int32_t tid, PosixWait posix) {
  const MutexLock lock(mutex_);
  waiter.posix = posix;
  waiter.record->tid = posix == PosixWait::kNo ? 0 : tid;
}

bool LockTable::is_awaited_by(const LockOwner& owner) const {
  const MutexLock lock(mutex_);
  const auto [first, last] = by_owner_.equal_range(owner.id);
  return std::any_of(first, last,
                     [&](const auto& one) { return one.second->record->owner() == owner; });
}

bool LockTable::is_waiting(std::uint64_t owner_id) const {
  const MutexLock lock(mutex_);
  return by_owner_.contains(owner_id);
}

std::vector<LockWaiter*> LockTable::queue(NodeId node, LockKind kind, std::uint64_t order) const {
  constexpr std::size_t kSome = 64;
  const MutexLock lock(mutex_);
  std::vector<LockWaiter*> waiting;
  const auto file = files_.find(node);
  if (file == files_.end()) return waiting;
  const Queue& queue = kind == LockKind::kRange ? file->second.ranges : file->second.whole;
  for (auto next = queue.upper_bound(order); next != queue.end() && waiting.size() < kSome;
       ++next) {
    waiting.push_back(next->second);
  }
  return waiting;
}

std::set<NodeId> LockTable::awaited_files() const {
  const MutexLock lock(mutex_);
  std::set<NodeId> nodes;
  for (const auto& [unique, waiter] : waiters_) nodes.insert(waiter->record->node);
  return nodes;
}

std::unordered_set<LockOwner, LockOwnerHash> LockTable::owners_that_wait() const {
  const MutexLock lock(mutex_);
  std::unordered_set<LockOwner, LockOwnerHash> owners;
  for (const auto& [unique, waiter] : waiters_) owners.insert(waiter->record->owner());
  return owners;
}

// ---- deadlocks

std::vector<std::uint64_t> LockTable::posix_waits() const {
  const MutexLock lock(mutex_);
  std::vector<const LockWaiterRecord*> records;
  for (const auto& [unique, waiter] : waiters_) {
    if (waiter->posix == PosixWait::kYes) records.push_back(waiter->record);
  }
  std::ranges::sort(records, std::ranges::greater(), &LockWaiterRecord::order);
  std::vector<std::uint64_t> uniques;
  uniques.reserve(records.size());
  for (const LockWaiterRecord* record : records) uniques.push_back(record->unique);
  return uniques;
}

// Of a process' threads many may wait for the same: one stands for all that stand beside each
// other.
void LockTable::add_waits(std::uint64_t owner_id, CircleSearch& search) const {
  const auto is_alike = [](const LockWaiterRecord& a, const LockWaiterRecord& b) {
    return a.node == b.node && a.type == b.type && a.range() == b.range();
  };
  const auto [first, last] = by_owner_.equal_range(owner_id);
  const LockWaiter* before = nullptr;
  for (auto one = first; one != last; ++one) {
    const LockWaiter* waiter = one->second;
    if (waiter->posix != PosixWait::kYes) continue;
    if (before == nullptr || !is_alike(*before->record, *waiter->record)) {
      search.next.push_back(waiter);
    }
    before = waiter;
  }
}

// Everybody whose lock is in the way has to unlock: one of them who waits for `start` is enough.
bool LockTable::waits_for_start(const LockWaiter& waiter, CircleSearch& search) const {
  const auto file = files_.find(waiter.record->node);
  if (file == files_.end()) return false;
  const LockWish wish = waiter.wish();
  for (const LockOwnerRecord* holder : file->second.owners) {
    const bool is_start = holder->id == search.start;
    if (!is_start && search.searched.contains(holder->id)) continue;
    if (conflicting(*holder, wish) == nullptr) continue;
    if (is_start) return true;
    search.searched.insert(holder->id);
    add_waits(holder->id, search);
  }
  return false;
}

bool LockTable::is_deadlock(const LockWaiter& waiter) const {
  const MutexLock lock(mutex_);
  if (waiter.record->kind != LockKind::kRange || waiter.posix != PosixWait::kYes) return false;
  CircleSearch search{waiter.record->id, {&waiter}, {}};
  while (!search.next.empty()) {
    const LockWaiter* next = search.next.back();
    search.next.pop_back();
    if (waits_for_start(*next, search)) return true;
  }
  return false;
}

}  // namespace cvfs
