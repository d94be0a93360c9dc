// The part of FileLocks that has requests wait, and answers them.
#include <algorithm>

#include "journal/crash_point.h"
#include "sys/lock_calls.h"
#include "vfs/backing_lock.h"
#include "vfs/file_locks.h"

namespace cvfs {

namespace {

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
  request.waits = waiter.refusal != EAGAIN;
  request.pid = record.pid;
  request.tid = record.tid;
  return request;
}

}  // namespace

PosixWait FileLocks::is_posix_wait(const LockRequest& request) {
  if (!request.waits || request.wish.owner.kind == LockKind::kWhole) return PosixWait::kNo;
  const sys::LockCall call = sys::lock_call_of(request.tid, kLooks);
  if (call == sys::LockCall::kRunning) return PosixWait::kUnknown;
  return call == sys::LockCall::kPosixWait ? PosixWait::kYes : PosixWait::kNo;
}

std::optional<int> FileLocks::wait(const LockRequest& request) {
  const LockWaiterFacts facts{request.unique,        request.reply_to, request.wish,
                              request.handle,        request.pid,      request.tid,
                              is_posix_wait(request)};
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
  if (!begin_wait(*waiter, request) || early_.take(request.unique)) {
    const int refusal = waiter->refusal;
    table_.remove(*waiter);
    return refusal;
  }
  // A try has just been made.
  if (!request.waits || !is_settled_ || table_.conflict(request.wish)) return std::nullopt;
  // Nobody of this view is in the way.
  const Attempt made = retry(*waiter);
  if (made.error != EAGAIN) finish(*waiter, made.error);
  if (made.has_freed) serve(request.wish.owner.node, request.wish.owner.kind);
  return std::nullopt;
}

// A try that waits is one for a close that is under way. False: nobody would end its wait.
bool FileLocks::begin_wait(LockWaiter& waiter, const LockRequest& request) {
  waiter.refusal = request.waits ? EINTR : EAGAIN;
  if (waiter.posix != PosixWait::kNo && posix_waits_) posix_waits_();
  return request.waits || tries_.start(request.unique);
}

// An earlier process had it wait already.
std::optional<int> FileLocks::resume_wait(LockWaiter& waiter, const LockRequest& request) {
  waiter.reply_to = request.reply_to;
  if (waiter.state == LockWaiter::State::kUnconfirmed) waiter.state = LockWaiter::State::kQueued;
  table_.note_caller(waiter, request.tid, is_posix_wait(request));
  const bool has_begun = begin_wait(waiter, request);
  if (table_.holds(request.wish)) {  // it died over answering him
    finish(waiter, 0);
  } else if (!has_begun) {
    finish(waiter, waiter.refusal);
  } else {
    serve(request.wish.owner.node, request.wish.owner.kind);
  }
  return std::nullopt;
}

// Whoever is in the way of one that is attended is in its way, too: but for an asker who is in the
// way of that one himself.
bool FileLocks::is_covered(const LockWish& wish) {
  const auto& attended = stripe_of(wish.owner.node).attended;
  const auto found = attended.find(wish.owner.node);
  if (found == attended.end()) return false;
  return std::ranges::any_of(found->second, [&](const LockWaiter* other) {
    const LockWish others = other->wish();
    return others.owner.kind == wish.owner.kind && others.owner.id != wish.owner.id &&
           wish.range.contains(others.range) &&
           (wish.type == LockType::kWrite || others.type == LockType::kRead) &&
           !table_.conflict(others);
  });
}

// EAGAIN: it goes on waiting.
FileLocks::Attempt FileLocks::retry(LockWaiter& waiter) {
  const LockWish wish = waiter.wish();
  if (owners_.is_full() && table_.find(wish.owner) == nullptr) return wait_for_descriptor(wish);
  if (is_covered(wish) || table_.is_blocked(waiter)) return {EAGAIN};
  const LockRequest request = request_of(waiter);
  const Attempt made = attempt(request);
  if (made.error == LockOwners::kTooMany) return wait_for_descriptor(wish);
  // A thread that waits in place of a try would be a waiter to the kernel: a process of the host
  // that waits for him who tries would get EDEADLK.
  if (made.error != EAGAIN || !request.waits || table_.conflict(wish)) return made;
  const Attempt attended = attend(waiter, request);
  return {attended.error, made.has_freed};
}

// Whoever is in the way is not of this view: a thread waits for him in the kernel.
FileLocks::Attempt FileLocks::attend(LockWaiter& waiter, const LockRequest& request) {
  const auto owner = owners_.get(request);
  if (!owner) {
    const int error = owner.error().value;
    return error == LockOwners::kTooMany ? wait_for_descriptor(request.wish) : Attempt{error};
  }
  if (!waits_.start(waiter.unique(), (*owner)->fd, request.wish)) return {ENOLCK};
  waiter.state = LockWaiter::State::kAttended;
  if (request.wish.owner.kind == LockKind::kRange) ++attended_ranges_;
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

// ---- when there are as many owners as may have a descriptor

FileLocks::Attempt FileLocks::wait_for_descriptor(const LockWish& wish) {
  const MutexLock lock(starving_);
  starved_.insert({wish.owner.node, wish.owner.kind});
  has_starved_ = true;
  return {EAGAIN};
}

// Whoever has unlocked keeps his descriptor for the next time where there are many to spare.
void FileLocks::make_room() {
  while (owners_.is_full()) {
    const auto idle = owners_.take_idle();
    if (!idle) return;
    const MutexLock lock(stripe_of(idle->node).mutex);
    if (LockOwnerRecord* owner = table_.find(*idle)) owners_.drop_if_idle(*owner);
  }
}

void FileLocks::serve_starved() {
  while (has_starved_) {
    make_room();
    if (owners_.is_full()) return;
    std::pair<NodeId, LockKind> file;
    {
      const MutexLock lock(starving_);
      has_starved_ = starved_.size() > 1;
      if (starved_.empty()) return;
      file = starved_.extract(starved_.begin()).value();
    }
    const MutexLock lock(stripe_of(file.first).mutex);
    serve(file.first, file.second);
  }
}

// No thread waits in its place any more.
void FileLocks::note_unattended(LockWaiter& waiter) {
  if (waiter.state != LockWaiter::State::kAttended) return;
  if (waiter.record->kind == LockKind::kRange) --attended_ranges_;
  const NodeId node = waiter.record->node;
  auto& attended = stripe_of(node).attended;
  std::erase(attended[node], &waiter);
  if (attended[node].empty()) attended.erase(node);
  waiter.state = LockWaiter::State::kQueued;
}

void FileLocks::finish(LockWaiter& waiter, int error) {
  const std::uint64_t reply_to = waiter.reply_to;
  const LockOwner key = waiter.record->owner();
  note_unattended(waiter);
  table_.remove(waiter);
  crash_point(CrashPoint::kDone);
  if (LockOwnerRecord* owner = table_.find(key)) owners_.drop_if_idle(*owner);
  if (error == 0) {
    grant(key, reply_to);
  } else {
    refuse_(reply_to, error);
  }
}

void FileLocks::grant(const LockOwner& owner, std::uint64_t reply_to) {
  if (posix_waits_ && owner.kind == LockKind::kRange && table_.is_waiting(owner.id)) posix_waits_();
  grant_(owner.node, reply_to);
}

// On the thread that waited.
void FileLocks::wait_ended(std::uint64_t unique, int fd, int error) {
  const auto node = table_.node_of_waiter(unique);
  if (!node) return;
  const Turn turn(*this, *node);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr) return;
  const LockKind kind = waiter->record->kind;
  if (error == 0) error = take_over(*waiter, fd);
  if (error == EAGAIN && !waiter->is_cancelled) {
    note_unattended(*waiter);
  } else {
    const bool is_refused = error == EINTR || error == EAGAIN;
    finish(*waiter, is_refused ? waiter->refusal : error);
  }
  // Who stood behind it needs another that waits in its place.
  serve(*node, kind);
}

// What a thread has got by waiting by `fd`. EAGAIN: its owner has another descriptor now, and by
// that the lock is not to be had.
int FileLocks::take_over(const LockWaiter& waiter, int fd) {
  const LockWish wish = waiter.wish();
  LockOwnerRecord* owner = table_.find(wish.owner);
  if (owner == nullptr) return ENOLCK;
  // Also where it is the same descriptor: the owner may have unlocked or closed since the thread
  // got it.
  const auto set = set_lock(owner->fd, wish);
  if (fd != owner->fd) (void)set_lock(fd, {wish.owner, {}, LockType::kNone});
  if (!set) return set.error().value;
  owner->pid = waiter.record->pid;
  if (table_.has_room(wish) && table_.set(*owner, wish.range, wish.type)) return 0;
  owners_.restore(*owner);  // nobody may hold what nobody knows of
  return ENOLCK;
}

// ---- waits that are ended early

std::optional<std::uint64_t> FileLocks::interrupt(std::uint64_t unique, std::uint64_t reply_to) {
  // First of all: whoever comes to wait after this sees it.
  const std::optional<std::uint64_t> oldest = early_.note(unique, reply_to);
  const auto node = table_.node_of_waiter(unique);
  if (!node) return oldest;
  const Turn turn(*this, *node);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr || waiter->state == LockWaiter::State::kUnconfirmed) return oldest;
  (void)early_.take(unique);
  refuse(*waiter);
  return oldest;
}

bool FileLocks::end_wait(std::uint64_t unique, int error) {
  const auto node = table_.node_of_waiter(unique);
  if (!node) return false;
  const Turn turn(*this, *node);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr || waiter->state == LockWaiter::State::kUnconfirmed) return false;
  waiter->refusal = error;
  refuse(*waiter);
  return true;
}

// False: it is answered.
bool FileLocks::look_at_try(std::uint64_t unique, bool is_last) {
  const auto node = table_.node_of_waiter(unique);
  if (!node) return false;
  const Turn turn(*this, *node);
  LockWaiter* waiter = table_.find_waiter(unique);
  if (waiter == nullptr || waiter->state == LockWaiter::State::kUnconfirmed) return false;
  const LockKind kind = waiter->record->kind;
  const Attempt made = is_settled_ ? retry(*waiter) : Attempt{EAGAIN};
  if (made.error != EAGAIN) {
    finish(*waiter, made.error);
  } else if (is_last) {
    end_try(*waiter);
  }
  if (made.has_freed) serve(*node, kind);
  return made.error == EAGAIN;
}

// The close that it has waited for was not the last one: nobody else waits for it.
void FileLocks::end_try(LockWaiter& waiter) {
  if (const auto conflict = table_.conflict(waiter.wish())) {
    owners_.forget_closes(conflict->owner, LockOwners::Clock::now() - kTry);
  }
  refuse(waiter);
}

// What it is refused with stands in it.
void FileLocks::refuse(LockWaiter& waiter) {
  if (waiter.state == LockWaiter::State::kAttended) {
    waiter.is_cancelled = true;
    waits_.cancel(waiter.unique());
  } else {
    finish(waiter, waiter.refusal);
  }
}

// ---- after another process

// Each asked again while it was not known yet of all others whether they wait.
void FileLocks::refuse_circles() {
  for (const std::uint64_t unique : table_.posix_waits()) {
    const auto node = table_.node_of_waiter(unique);
    if (!node) continue;
    const Turn turn(*this, *node);
    LockWaiter* waiter = table_.find_waiter(unique);
    if (waiter == nullptr || !is_deadlock(*waiter)) continue;
    waiter->refusal = EDEADLK;
    refuse(*waiter);
  }
}

bool FileLocks::is_deadlock(const LockWaiter& waiter) {
  const MutexLock lock(deadlock_);
  return table_.is_deadlock(waiter);
}

void FileLocks::settle() {
  is_settled_ = true;
  refuse_circles();
  for (const NodeId node : table_.awaited_files()) {
    const Turn turn(*this, node);
    for (const LockKind kind : {LockKind::kRange, LockKind::kWhole}) {
      remove_unconfirmed(node, kind);
      serve(node, kind);
    }
  }
}

void FileLocks::remove_unconfirmed(NodeId node, LockKind kind) {
  std::uint64_t order = 0;
  for (Waiters some = table_.queue(node, kind); !some.empty();
       some = table_.queue(node, kind, order)) {
    for (LockWaiter* waiter : some) {
      order = waiter->record->order;
      if (waiter->state != LockWaiter::State::kUnconfirmed) continue;
      const LockOwner key = waiter->record->owner();
      table_.remove(*waiter);
      if (LockOwnerRecord* owner = table_.find(key)) owners_.drop_if_idle(*owner);
    }
  }
}

}  // namespace cvfs
