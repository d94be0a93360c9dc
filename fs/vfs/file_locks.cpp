#include "vfs/file_locks.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "journal/crash_point.h"
#include "sys/file_lock.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

// Interrupts that are remembered for requests that have not come here yet.
constexpr std::size_t kEarlyInterrupts = 256;

sys::LockMode mode_of(LockType type) {
  if (type == LockType::kNone) return sys::LockMode::kUnlock;
  return type == LockType::kWrite ? sys::LockMode::kExclusive : sys::LockMode::kShared;
}

Result<void> set_lock(int fd, const LockWish& wish) {
  if (wish.owner.kind == LockKind::kWhole) return sys::lock_whole(fd, mode_of(wish.type));
  return sys::lock_range(fd, mode_of(wish.type), wish.range.first, wish.range.last);
}

// What a program is told: fcntl(2) and flock(2) know ENOLCK for all that cannot be had.
int to_client(int error) {
  switch (error) {
    case 0:
    case EAGAIN:
    case EDEADLK:
    case EINTR:
    case EIO:
    case ESTALE:
      return error;
    default:
      return ENOLCK;
  }
}

// By fcntl(2)'s rules: locks of open file descriptions have no deadlocks.
bool may_deadlock(const LockRequest& request) {
  return request.wish.owner.kind == LockKind::kRange && sys::waits_for_posix_lock(request.tid);
}

bool is_in_the_way_of(const LockWish& wish, const std::optional<LockWish>& exclusive) {
  return exclusive && exclusive->owner.id != wish.owner.id && exclusive->range.overlaps(wish.range);
}

LockRequest request_of(const LockWaiter& waiter) {
  const LockWaiterRecord& record = *waiter.record;
  LockRequest request;
  request.unique = waiter.unique();
  request.reply_to = waiter.reply_to;
  request.wish = waiter.wish();
  request.handle = record.handle;
  request.waits = true;
  request.pid = record.pid;
  request.tid = record.tid;
  return request;
}

}  // namespace

FileLocks::FileLocks(Mount& mount, std::span<std::byte> memory, bool adopt, std::size_t most_owners)
    : mount_(mount),
      table_(memory),
      most_owners_(most_owners),
      is_settled_(!adopt),
      waits_([this](std::uint64_t unique, int error) { wait_ended(unique, error); }) {}

// ---- requests

std::optional<int> FileLocks::change(const LockRequest& request) {
  const NodeId node = request.wish.owner.node;
  const MutexLock lock(stripe_of(node).mutex);
  if (LockWaiter* known = table_.find_waiter(request.unique)) return resume_wait(*known, request);
  const Attempt made = attempt(request);
  if (made.has_freed) serve(node, request.wish.owner.kind);
  if (made.error == EAGAIN && request.waits) return wait(request);
  return to_client(made.error);
}

FileLocks::Attempt FileLocks::attempt(const LockRequest& request) {
  const LockWish& wish = request.wish;
  if (wish.type == LockType::kNone) return unlock(request);
  const LockOwnerRecord* known = table_.find(wish.owner);
  // A lock of the whole file is taken away also where the new one is not to be had.
  const bool is_conversion =
      wish.owner.kind == LockKind::kWhole && known != nullptr && table_.holds_any(*known);
  if (!is_conversion && table_.conflict(wish)) return {EAGAIN};
  const auto owner = owner_for(request);
  if (!owner) return {owner.error().value};
  const Attempt made = lock(request, **owner);
  drop_if_idle(**owner);
  return made;
}

FileLocks::Attempt FileLocks::lock(const LockRequest& request, LockOwnerRecord& owner) {
  const LockWish& wish = request.wish;
  const bool held_something = table_.holds_any(owner);
  const auto set = set_lock(owner.fd, wish);
  crash_point(CrashPoint::kExecuted);
  const int error = set ? 0 : set.error().value;
  if (error != 0 && (wish.owner.kind == LockKind::kRange || !held_something)) return {error};
  const LockType held = set ? wish.type : LockType::kNone;
  owner.pid = request.pid;
  if (!table_.set(owner, wish.range, held)) {
    // Nobody may hold what nobody knows of.
    (void)set_lock(owner.fd, {wish.owner, wish.range, LockType::kNone});
    return {ENOLCK};
  }
  crash_point(CrashPoint::kDone);
  // Others may have what was given up: the lock, or its being exclusive.
  return {error, held_something && held != LockType::kWrite};
}

FileLocks::Attempt FileLocks::unlock(const LockRequest& request) {
  LockOwnerRecord* owner = table_.find(request.wish.owner);
  if (owner == nullptr || owner->fd < 0) return {0};
  if (const auto set = set_lock(owner->fd, request.wish); !set) return {set.error().value};
  crash_point(CrashPoint::kExecuted);
  if (!table_.set(*owner, request.wish.range, LockType::kNone)) return {ENOLCK};
  crash_point(CrashPoint::kDone);
  drop_if_idle(*owner);
  return {0, true};
}

Result<std::optional<LockConflict>> FileLocks::test(const LockRequest& request) {
  const MutexLock lock(stripe_of(request.wish.owner.node).mutex);
  auto conflict = table_.conflict(request.wish);
  if (conflict) return conflict;
  return test_backing(request);
}

// Nobody of this view is in the way.
Result<std::optional<LockConflict>> FileLocks::test_backing(const LockRequest& request) {
  const LockWish& wish = request.wish;
  const auto owner = owner_for(request);
  if (!owner) return fail(to_client(owner.error().value));
  const auto found =
      sys::find_lock((*owner)->fd, mode_of(wish.type), wish.range.first, wish.range.last);
  drop_if_idle(**owner);
  if (!found) return fail(to_client(found.error().value));
  if (!*found) return std::optional<LockConflict>();
  const sys::LockedRange& range = **found;
  return std::optional(LockConflict{wish.owner,
                                    {range.first, range.last},
                                    range.is_write ? LockType::kWrite : LockType::kRead,
                                    std::max(range.pid, 0)});
}

// ---- owners and their descriptors

Result<LockOwnerRecord*> FileLocks::owner_for(const LockRequest& request) {
  LockOwnerRecord* owner = table_.find(request.wish.owner);
  if (owner == nullptr) {
    if (table_.owner_count() >= most_owners_) return fail(ENOLCK);
    owner = table_.add(request.wish.owner);
    if (owner == nullptr) return fail(ENOLCK);
  }
  owner->handle = request.handle;
  if (const auto opened = open_for(*owner, request); !opened) {
    drop_if_idle(*owner);
    return fail(opened.error());
  }
  return owner;
}

// As the asker has it open, so that it hinders nobody more than the asker does (a file that is open
// for writing cannot be executed).
Result<void> FileLocks::open_for(LockOwnerRecord& owner, const LockRequest& request) {
  const bool writes =
      request.wish.owner.kind == LockKind::kRange && request.wish.type == LockType::kWrite;
  if (owner.fd >= 0 && (owner.can_write != 0 || !writes)) return {};
  const NodeId node = request.wish.owner.node;
  const auto handle = mount_.handles.find(request.handle);
  const bool is_for_writing = !handle || ((*handle)->flags & O_ACCMODE) != O_RDONLY;
  const PinnedFile file = TRY(mount_.pin(node));
  auto opened = mount_.store->open(*file, is_for_writing ? O_RDWR : O_RDONLY, true);
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
Result<void> FileLocks::reopen_for_writing(LockOwnerRecord& owner, UniqueFd fresh) {
  for (const HeldRange& held : table_.ranges_of(owner)) {
    TRY(set_lock(fresh.get(), {owner.key(), held.range, held.type}));
  }
  owner.can_write = 1;
  const UniqueFd old(owner.fd.exchange(fresh.release()));
  return {};
}

void FileLocks::close_descriptor(LockOwnerRecord& owner) {
  const UniqueFd closed(owner.fd.exchange(-1));
}

// Not worth a descriptor any more. Where there are many to spare, whoever locks often keeps his
// until he closes the file.
void FileLocks::drop_if_idle(LockOwnerRecord& owner) {
  if (table_.holds_any(owner) || table_.is_awaited_by(owner.key())) return;
  if (owner.fd >= 0 && table_.owner_count() < most_owners_ / 2) return;
  close_descriptor(owner);
  table_.remove(owner);
}

// All that it holds. False: that was nothing.
bool FileLocks::drop(LockOwnerRecord& owner) {
  const bool has_held = LockTable::holds_any(owner);
  const bool is_awaited = table_.is_awaited_by(owner.key());
  if (is_awaited) {
    // A thread may wait by this descriptor.
    if (owner.fd >= 0) (void)set_lock(owner.fd, {owner.key(), {}, LockType::kNone});
    (void)table_.set(owner, {}, LockType::kNone);
    return has_held;
  }
  close_descriptor(owner);
  crash_point(CrashPoint::kExecuted);
  table_.remove(owner);
  crash_point(CrashPoint::kDone);
  return has_held;
}

void FileLocks::close(NodeId node, std::uint64_t owner_id) {
  if (!table_.has_owners(node)) return;
  const MutexLock lock(stripe_of(node).mutex);
  LockOwnerRecord* owner = table_.find({node, owner_id, LockKind::kRange});
  if (owner == nullptr) return;
  if (drop(*owner)) serve(node, LockKind::kRange);
}

void FileLocks::release(NodeId node, HandleId handle) {
  if (!table_.has_owners(node)) return;
  const MutexLock lock(stripe_of(node).mutex);
  for (LockOwnerRecord* owner : table_.owners_of(node)) {
    if (owner->handle != handle) continue;
    const LockKind kind = owner->kind;
    if (drop(*owner)) serve(node, kind);
  }
}

// ---- waiting

std::optional<int> FileLocks::wait(const LockRequest& request) {
  LockWaiterFacts facts{request.unique, request.reply_to, request.wish, request.handle,
                        request.pid,    request.tid,      false};
  facts.may_deadlock = may_deadlock(request);
  LockWaiter* waiter = nullptr;
  {
    const MutexLock lock(deadlock_);
    waiter = table_.add(facts);
    if (waiter == nullptr) return ENOLCK;
    if (table_.is_deadlock(*waiter)) {
      table_.remove(*waiter);
      return EDEADLK;
    }
  }
  if (take_early_interrupt(request.unique)) {
    table_.remove(*waiter);
    return EINTR;
  }
  if (!is_settled_ || table_.conflict(request.wish)) return std::nullopt;
  // Nobody of this view is in the way.
  const Attempt made = retry(*waiter);
  if (made.error != EAGAIN) finish(*waiter, made.error);
  if (made.has_freed) serve(request.wish.owner.node, request.wish.owner.kind);
  return std::nullopt;
}

// An earlier process had it wait already.
std::optional<int> FileLocks::resume_wait(LockWaiter& waiter, const LockRequest& request) {
  waiter.reply_to = request.reply_to;
  if (waiter.state == LockWaiter::State::kUnconfirmed) waiter.state = LockWaiter::State::kQueued;
  waiter.may_deadlock = may_deadlock(request);
  serve(request.wish.owner.node, request.wish.owner.kind);
  return std::nullopt;
}

// Whoever is in the way of one that is attended is in its way, too.
bool FileLocks::is_covered(const LockWish& wish) {
  const auto& attended = stripe_of(wish.owner.node).attended;
  const auto found = attended.find(wish.owner.node);
  if (found == attended.end()) return false;
  return std::ranges::any_of(found->second, [&](const LockWaiter* other) {
    const LockWish others = other->wish();
    return others.owner.kind == wish.owner.kind && others.owner.id != wish.owner.id &&
           wish.range.contains(others.range) &&
           (wish.type == LockType::kWrite || others.type == LockType::kRead);
  });
}

// EAGAIN: it goes on waiting.
FileLocks::Attempt FileLocks::retry(LockWaiter& waiter) {
  const LockWish wish = waiter.wish();
  if (is_covered(wish)) return {EAGAIN};
  const LockRequest request = request_of(waiter);
  const Attempt made = attempt(request);
  if (made.error != EAGAIN || table_.conflict(wish)) return made;
  const Attempt attended = attend(waiter, request);
  return {attended.error, made.has_freed};
}

// Whoever is in the way is not of this view: a thread waits for him in the kernel.
FileLocks::Attempt FileLocks::attend(LockWaiter& waiter, const LockRequest& request) {
  const auto owner = owner_for(request);
  if (!owner) return {owner.error().value};
  if (!waits_.start(waiter.unique(), (*owner)->fd, request.wish)) return {ENOLCK};
  waiter.state = LockWaiter::State::kAttended;
  stripe_of(request.wish.owner.node).attended[request.wish.owner.node].push_back(&waiter);
  return {EAGAIN};
}

// Gives everybody who waits for the file what is to be had, in order.
void FileLocks::serve(NodeId node, LockKind kind) {
  while (is_settled_ && serve_once(node, kind)) {
  }
}

// True: something was given up meanwhile that an earlier one may wait for.
bool FileLocks::serve_once(NodeId node, LockKind kind) {
  std::optional<LockWish> exclusive;  // the last that was granted: in the way of most others
  bool has_freed = false;
  std::uint64_t order = 0;
  for (Waiters some = table_.queue(node, kind); !some.empty();
       some = table_.queue(node, kind, order)) {
    for (LockWaiter* waiter : some) {
      order = waiter->record->order;
      const LockWish wish = waiter->wish();
      if (waiter->state != LockWaiter::State::kQueued || is_in_the_way_of(wish, exclusive))
        continue;
      const Attempt made = retry(*waiter);
      has_freed = has_freed || made.has_freed;
      if (made.error == EAGAIN) continue;
      finish(*waiter, made.error);
      if (made.error == 0 && wish.type == LockType::kWrite) exclusive = wish;
    }
    const bool is_all_behind =
        exclusive && exclusive->range == LockRange{} && !table_.is_awaited_by(exclusive->owner);
    if (is_all_behind) break;
  }
  return has_freed;
}

void FileLocks::finish(LockWaiter& waiter, int error) {
  const std::uint64_t reply_to = waiter.reply_to;
  const LockOwner key = waiter.record->owner();
  if (waiter.state == LockWaiter::State::kAttended) {
    auto& attended = stripe_of(key.node).attended;
    std::erase(attended[key.node], &waiter);
    if (attended[key.node].empty()) attended.erase(key.node);
  }
  table_.remove(waiter);
  crash_point(CrashPoint::kDone);
  if (LockOwnerRecord* owner = table_.find(key)) drop_if_idle(*owner);
  answer_(reply_to, to_client(error));
}

// On the thread that waited.
void FileLocks::wait_ended(std::uint64_t unique, int error) {
  const auto node = table_.node_of_waiter(unique);
  if (!node) return;
  const MutexLock lock(stripe_of(*node).mutex);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr) return;
  const LockWish wish = waiter->wish();
  LockOwnerRecord* owner = table_.find(wish.owner);
  if (error == 0 && owner != nullptr) {
    owner->pid = waiter->record->pid;
    if (!table_.set(*owner, wish.range, wish.type)) {
      (void)set_lock(owner->fd, {wish.owner, wish.range, LockType::kNone});
      error = ENOLCK;
    }
  }
  finish(*waiter, error);
  // Who stood behind it needs another that waits in its place.
  serve(*node, wish.owner.kind);
}

// ---- interrupts

bool FileLocks::take_early_interrupt(std::uint64_t unique) {
  const MutexLock lock(early_mutex_);
  return std::erase_if(early_,
                       [&](const EarlyInterrupt& early) { return early.unique == unique; }) != 0;
}

std::optional<std::uint64_t> FileLocks::interrupt(std::uint64_t unique, std::uint64_t reply_to) {
  std::optional<std::uint64_t> oldest;
  {
    // First of all: whoever comes to wait after this sees it.
    const MutexLock lock(early_mutex_);
    early_.push_back({unique, reply_to});
    if (early_.size() > kEarlyInterrupts) {
      oldest = early_.front().reply_to;
      early_.pop_front();
    }
  }
  const auto node = table_.node_of_waiter(unique);
  if (!node) return oldest;
  const MutexLock lock(stripe_of(*node).mutex);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr || waiter->state == LockWaiter::State::kUnconfirmed) return oldest;
  (void)take_early_interrupt(unique);
  if (waiter->state == LockWaiter::State::kAttended) {
    waits_.cancel(unique);
  } else {
    finish(*waiter, EINTR);
  }
  return oldest;
}

// ---- after another process

void FileLocks::settle() {
  std::set<NodeId> nodes;
  for (LockWaiter* waiter : table_.waiters()) {
    if (waiter->state == LockWaiter::State::kUnconfirmed) {
      table_.remove(*waiter);
    } else {
      nodes.insert(waiter->record->node);
    }
  }
  is_settled_ = true;
  for (const NodeId node : nodes) {
    const MutexLock lock(stripe_of(node).mutex);
    serve(node, LockKind::kRange);
    serve(node, LockKind::kWhole);
  }
}

}  // namespace cvfs
