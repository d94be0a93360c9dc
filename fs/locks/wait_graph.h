// WaitGraph: which owners of POSIX locks wait for which others, over several views and the host, as
// they said it one after the other. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "locks/lock_types.h"

namespace cvfs {

// A lock that somebody has or wants, of a file by its number on the backing filesystem.
struct GraphLock {
  std::string owner;  // of all views' and the host's, no two are the same
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  LockRange range;
  LockType type = LockType::kNone;

  friend bool operator==(const GraphLock&, const GraphLock&) = default;
};

struct GraphWait {
  GraphLock wish;
  std::uint64_t request = 0;  // never used twice; 0: the host's, which nobody can refuse
  std::int64_t since = 0;     // CLOCK_REALTIME, microseconds
  std::int32_t host_pid = 0;  // of the host's: who waits

  // The host's may be another one by the same process for the same lock.
  bool is(const GraphWait& other) const { return request == other.request && wish == other.wish; }
};

struct WaitGraph {
  using Circle = std::vector<GraphWait>;

  std::vector<GraphLock> holds;
  std::vector<GraphWait> waits;

  void add(const WaitGraph& other);
};

// Who is to be refused: the one who came last, and so closed it; null: only the host waits.
const GraphWait* victim_of(const WaitGraph::Circle& circle);

bool is_same(const WaitGraph::Circle& a, const WaitGraph::Circle& b);

}  // namespace cvfs
