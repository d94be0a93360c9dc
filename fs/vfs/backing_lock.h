// The table's words of locks (locks/lock_table.h) said to the backing filesystem, through the open
// file description of one owner. Any thread.
#pragma once

#include <optional>

#include "base/result.h"
#include "locks/lock_table.h"

namespace cvfs {

// kNone: unlocks. Errors: those of sys/file_lock.h.
Result<void> set_lock(int fd, const LockWish& wish);
// The same, waiting; EINTR: a signal came.
Result<void> await_lock(int fd, const LockWish& wish);

// What is in the way of the wish; its pid is 0 if nobody knows it. Only of LockKind::kRange.
Result<std::optional<LockConflict>> find_conflict(int fd, const LockWish& wish);

}  // namespace cvfs
