// What one owner holds of one file: ranges in order, none overlapping another, those that touch and
// are of one type made one, as the kernel does (posix_lock_inode() in fs/locks.c). Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "locks/lock_types.h"

namespace cvfs {

struct HeldRange {
  LockRange range;
  LockType type = LockType::kNone;
  std::int64_t since = 0;  // CLOCK_REALTIME, seconds

  friend bool operator==(const HeldRange&, const HeldRange&) = default;
};

// `held` after `change`, which replaces whatever is held in its range; kNone: unlocks it.
std::vector<HeldRange> changed(const std::vector<HeldRange>& held, const HeldRange& change);

// What of a file is not in `held`, in order.
std::vector<LockRange> gaps_of(const std::vector<HeldRange>& held);

}  // namespace cvfs
