#include "vfs/backing_lock.h"

#include <algorithm>

#include "sys/file_lock.h"

namespace cvfs {

namespace {

sys::LockMode mode_of(LockType type) {
  if (type == LockType::kNone) return sys::LockMode::kUnlock;
  return type == LockType::kWrite ? sys::LockMode::kExclusive : sys::LockMode::kShared;
}

}  // namespace

Result<void> set_lock(int fd, const LockWish& wish) {
  if (wish.owner.kind == LockKind::kWhole) return sys::lock_whole(fd, mode_of(wish.type));
  return sys::lock_range(fd, mode_of(wish.type), wish.range.first, wish.range.last);
}

Result<void> await_lock(int fd, const LockWish& wish) {
  if (wish.owner.kind == LockKind::kWhole) return sys::await_whole(fd, mode_of(wish.type));
  return sys::await_range(fd, mode_of(wish.type), wish.range.first, wish.range.last);
}

Result<std::optional<LockConflict>> find_conflict(int fd, const LockWish& wish) {
  const auto found = TRY(sys::find_lock(fd, mode_of(wish.type), wish.range.first, wish.range.last));
  if (!found) return std::optional<LockConflict>();
  return std::optional(LockConflict{wish.owner,
                                    {found->first, found->last},
                                    found->is_write ? LockType::kWrite : LockType::kRead,
                                    std::max(found->pid, 0)});
}

}  // namespace cvfs
