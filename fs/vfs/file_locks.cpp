#include "vfs/file_locks.h"

#include "journal/crash_point.h"
#include "sys/lock_calls.h"
#include "vfs/backing_lock.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

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

}  // namespace

FileLocks::FileLocks(Mount& mount, std::span<std::byte> memory, bool adopt, std::size_t most_owners)
    : table_(memory),
      owners_(mount, table_, most_owners,
              [this](UniqueFd old) { waits_.close_later(std::move(old)); }),
      is_settled_(!adopt),
      waits_([this](std::uint64_t unique, int fd, int error) { wait_ended(unique, fd, error); }),
      tries_(kTry,
             [this](std::uint64_t unique, bool is_last) { return look_at_try(unique, is_last); }) {
  if (adopt) give_back_what_nobody_noted();
}

// A thread that waited may have had its lock from the kernel when its process died, before the
// table knew: whoever does not wait any more would hold it until he closes the file.
void FileLocks::give_back_what_nobody_noted() {
  for (const LockOwner& waits : table_.owners_that_wait()) {
    if (LockOwnerRecord* owner = table_.find(waits)) owners_.restore(*owner);
  }
}

void FileLocks::answer_by(Refuse refuse, Grant grant) {
  refuse_ = [refuse = std::move(refuse)](std::uint64_t reply_to, int error) {
    refuse(reply_to, to_client(error));
  };
  grant_ = std::move(grant);
}

std::optional<int> FileLocks::change(const LockRequest& request) {
  const NodeId node = request.wish.owner.node;
  make_room();
  const Turn turn(*this, node);
  if (LockWaiter* known = table_.find_waiter(request.unique)) return resume_wait(*known, request);
  const Attempt made = attempt(request);
  if (made.has_freed) serve(node, request.wish.owner.kind);
  if (made.error == EAGAIN && (request.waits || may_be_free_soon(request))) return wait(request);
  if (made.error != 0 || request.wish.type == LockType::kNone) return to_client(made.error);
  grant(request.wish.owner, request.reply_to);
  return std::nullopt;
}

// The kernel tells of the last close of an open file after close(2) has returned; what a process
// locked by POSIX' rules goes before that. What is not of this view nobody knows: it is taken for
// a lock of the asker's sort.
bool FileLocks::may_be_free_soon(const LockRequest& request) {
  if (const auto conflict = table_.conflict(request.wish)) {
    return owners_.may_be_closed(conflict->owner);
  }
  return request.wish.owner.kind == LockKind::kWhole ||
         sys::lock_call_of(request.tid, kLooks) != sys::LockCall::kPosixTry;
}

FileLocks::Attempt FileLocks::attempt(const LockRequest& request) {
  const LockWish& wish = request.wish;
  if (!table_.has_room(wish)) return {ENOLCK};
  if (wish.type == LockType::kNone) return unlock(request);
  const LockOwnerRecord* known = table_.find(wish.owner);
  // A lock of the whole file is taken away also where the new one is not to be had.
  const bool is_conversion =
      wish.owner.kind == LockKind::kWhole && known != nullptr && LockTable::holds_any(*known);
  if (!is_conversion && table_.conflict(wish)) return {EAGAIN};
  const auto owner = owners_.get(request);
  if (!owner) return {owner.error().value};
  const Attempt made = lock(request, **owner);
  owners_.drop_if_idle(**owner);
  return made;
}

FileLocks::Attempt FileLocks::lock(const LockRequest& request, LockOwnerRecord& owner) {
  const LockWish& wish = request.wish;
  const bool held_something = LockTable::holds_any(owner);
  const auto set = set_lock(owner.fd, wish);
  crash_point(CrashPoint::kExecuted);
  const int error = set ? 0 : set.error().value;
  if (error != 0 && (wish.owner.kind == LockKind::kRange || !held_something)) return {error};
  const LockType held = set ? wish.type : LockType::kNone;
  owner.pid = request.pid;
  if (!table_.set(owner, wish.range, held)) {
    owners_.restore(owner);  // nobody may hold what nobody knows of
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
  if (!table_.set(*owner, request.wish.range, LockType::kNone)) {
    owners_.restore(*owner);
    return {ENOLCK};
  }
  crash_point(CrashPoint::kDone);
  owners_.drop_if_idle(*owner);
  return {0, true};
}

Result<std::optional<LockConflict>> FileLocks::test(const LockRequest& request) {
  make_room();
  const Turn turn(*this, request.wish.owner.node);
  auto conflict = table_.conflict(request.wish);
  if (conflict) return conflict;
  // Nobody of this view is in the way.
  const auto owner = owners_.get(request);
  if (!owner) return fail(to_client(owner.error().value));
  auto found = find_conflict((*owner)->fd, request.wish);
  owners_.drop_if_idle(**owner);
  if (!found) return fail(to_client(found.error().value));
  return found;
}

void FileLocks::close(NodeId node, HandleId handle, std::uint64_t owner_id) {
  if (!table_.has_owners(node)) return;
  const Turn turn(*this, node);
  for (const LockOwnerRecord* owner : table_.owners_of(node)) {
    if (owner->handle == handle && owner->id != owner_id) owners_.note_close(*owner);
  }
  LockOwnerRecord* owner = table_.find({node, owner_id, LockKind::kRange});
  if (owner == nullptr) return;
  if (owners_.drop(*owner)) serve(node, LockKind::kRange);
}

void FileLocks::release(NodeId node, HandleId handle) {
  if (!table_.has_owners(node)) return;
  const Turn turn(*this, node);
  for (LockOwnerRecord* owner : table_.owners_of(node)) {
    if (owner->handle != handle) continue;
    const LockKind kind = owner->kind;
    if (owners_.drop(*owner)) serve(node, kind);
  }
}

}  // namespace cvfs
