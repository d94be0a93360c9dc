// LockRequest: one SETLK, SETLKW or GETLK, as the kernel sent it. A plain value.
#pragma once

#include <cstdint>

#include "locks/lock_table.h"

namespace cvfs {

struct LockRequest {
  std::uint64_t unique = 0;    // the same each time that it is sent
  std::uint64_t reply_to = 0;  // as it was sent this time
  LockWish wish;
  HandleId handle = 0;
  bool waits = false;
  std::int32_t pid = 0;  // of the process and of the thread, in the mount's pid namespace
  std::int32_t tid = 0;
};

}  // namespace cvfs
