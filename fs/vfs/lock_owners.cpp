#include "vfs/lock_owners.h"

#include <fcntl.h>

#include "journal/crash_point.h"
#include "vfs/backing_lock.h"
#include "vfs/mount.h"

namespace cvfs {

// What an earlier process heard of closes, nobody knows any more.
LockOwners::LockOwners(Mount& mount, LockTable& table, std::size_t most, Retire retire)
    : mount_(mount), table_(table), most_(most), retire_(std::move(retire)) {
  table_.for_each_owner([this](const LockOwnerRecord& owner) {
    note_close(owner);
    if (!LockTable::holds_any(owner)) note_idle(owner, true);
  });
}

Result<LockOwnerRecord*> LockOwners::get(const LockRequest& request) {
  LockOwnerRecord* owner = table_.find(request.wish.owner);
  if (owner == nullptr) {
    if (is_full()) return fail(kTooMany);
    owner = table_.add(request.wish.owner);
    if (owner == nullptr) return fail(ENOLCK);
  }
  note_idle(*owner, false);
  owner->handle = request.handle;
  if (const auto opened = open_for(*owner, request); !opened) {
    drop_if_idle(*owner);
    return fail(opened.error());
  }
  return owner;
}

// As the asker has it open, so that it hinders nobody more than the asker does (a file that is open
// for writing cannot be executed).
Result<void> LockOwners::open_for(LockOwnerRecord& owner, const LockRequest& request) {
  const bool writes =
      request.wish.owner.kind == LockKind::kRange && request.wish.type == LockType::kWrite;
  if (owner.fd >= 0 && (owner.can_write != 0 || !writes)) return {};
  const NodeId node = request.wish.owner.node;
  const auto handle = mount_.handles.find(request.handle);
  const bool is_for_writing = !handle || ((*handle)->flags & O_ACCMODE) != O_RDONLY;
  // F_GETLK asks for what it would not get.
  if (owner.fd >= 0 && !is_for_writing) return {};
  const PinnedFile file = TRY(mount_.pin(node));
  // Nothing is written by it, and a file that is append-only is opened no other way.
  auto opened = mount_.store->open(*file, is_for_writing ? O_RDWR | O_APPEND : O_RDONLY, true);
  if (owner.fd >= 0) {
    if (!opened) return fail(opened.error());
    return reopen_for_writing(owner, std::move(*opened));
  }
  const bool can_write = opened && is_for_writing;
  if (!opened) opened = mount_.store->open(*file, O_RDONLY, true);
  if (!opened) return fail(opened.error());
  owner.can_write = can_write ? 1 : 0;
  owner.fd = opened->release();
  return {};
}

// What a descriptor that cannot write holds is held for reading: the new one can hold it as well,
// before the old one is closed.
Result<void> LockOwners::reopen_for_writing(LockOwnerRecord& owner, UniqueFd fresh) {
  for (const HeldRange& held : table_.ranges_of(owner)) {
    TRY(set_lock(fresh.get(), {owner.key(), held.range, held.type}));
  }
  UniqueFd old(owner.fd.exchange(fresh.release()));
  owner.can_write = 1;  // afterwards: who dies in between only opens it once more
  // Also what a thread that waits by it has got just now: it asks for that once more.
  (void)set_lock(old.get(), {owner.key(), {}, LockType::kNone});
  retire_(std::move(old));
  return {};
}

void LockOwners::restore(LockOwnerRecord& owner) {
  if (owner.fd < 0) return;
  const std::vector<HeldRange> held = table_.ranges_of(owner);
  for (const LockRange& gap : gaps_of(held)) {
    (void)set_lock(owner.fd, {owner.key(), gap, LockType::kNone});
  }
  for (const HeldRange& piece : held) restore_range(owner, piece);
}

void LockOwners::restore_range(LockOwnerRecord& owner, const HeldRange& held) {
  for (const LockType type : {held.type, LockType::kRead, LockType::kNone}) {
    if (!set_lock(owner.fd, {owner.key(), held.range, type})) continue;
    if (type != held.type) (void)table_.set(owner, held.range, type);
    return;
  }
}

// Other processes may have a copy of it for an instant (an upgrade): what it holds is given up
// first.
void LockOwners::close_descriptor(LockOwnerRecord& owner) {
  if (owner.fd >= 0 && LockTable::holds_any(owner)) {
    (void)set_lock(owner.fd, {owner.key(), {}, LockType::kNone});
  }
  const UniqueFd closed(owner.fd.exchange(-1));
}

void LockOwners::remove(LockOwnerRecord& owner) {
  {
    const MutexLock lock(mutex_);
    closing_.erase(&owner);
    idle_.erase(owner.key());
  }
  table_.remove(owner);
}

// Not worth a descriptor any more. Where there are many to spare, whoever locks often keeps his
// until he closes the file.
void LockOwners::drop_if_idle(LockOwnerRecord& owner) {
  if (LockTable::holds_any(owner) || table_.is_awaited_by(owner.key())) return;
  if (owner.fd >= 0 && table_.owner_count() < most_ / 2) return note_idle(owner, true);
  close_descriptor(owner);
  remove(owner);
}

void LockOwners::note_idle(const LockOwnerRecord& owner, bool is_idle) {
  const MutexLock lock(mutex_);
  if (is_idle) {
    idle_.insert(owner.key());
  } else {
    idle_.erase(owner.key());
  }
}

std::optional<LockOwner> LockOwners::take_idle() {
  const MutexLock lock(mutex_);
  if (idle_.empty()) return std::nullopt;
  return idle_.extract(idle_.begin()).value();
}

bool LockOwners::drop(LockOwnerRecord& owner) {
  const bool has_held = LockTable::holds_any(owner);
  if (table_.is_awaited_by(owner.key())) {
    // A thread may wait by this descriptor.
    if (owner.fd >= 0) (void)set_lock(owner.fd, {owner.key(), {}, LockType::kNone});
    (void)table_.set(owner, {}, LockType::kNone);
    return has_held;
  }
  close_descriptor(owner);
  crash_point(CrashPoint::kExecuted);
  remove(owner);
  crash_point(CrashPoint::kDone);
  return has_held;
}

void LockOwners::note_close(const LockOwnerRecord& owner) {
  const MutexLock lock(mutex_);
  closing_[&owner] = Clock::now();
}

void LockOwners::forget_closes(const LockOwner& owner, Clock::time_point then) {
  const LockOwnerRecord* record = table_.find(owner);
  const MutexLock lock(mutex_);
  const auto closed = closing_.find(record);
  if (closed != closing_.end() && closed->second < then) closing_.erase(closed);
}

bool LockOwners::may_be_closed(const LockOwner& owner) {
  const LockOwnerRecord* record = table_.find(owner);
  const MutexLock lock(mutex_);
  return record != nullptr && closing_.contains(record);
}

}  // namespace cvfs
