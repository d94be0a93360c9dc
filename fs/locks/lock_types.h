// The words of file locks: who, what range, how. Plain values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/ids.h"

namespace cvfs {

// The two kinds do not see each other (on Linux' own filesystems).
enum class LockKind : std::uint32_t {
  kRange = 1,  // fcntl(2): POSIX and OFD locks, which FUSE does not tell apart
  kWhole = 2,  // flock(2)
};

enum class LockType : std::uint32_t { kRead = 1, kWrite = 2, kNone = 3 };

constexpr bool excludes(LockType a, LockType b) {
  return a != LockType::kNone && b != LockType::kNone &&
         (a == LockType::kWrite || b == LockType::kWrite);
}

// Bytes of a file, both ends among them.
struct LockRange {
  static constexpr std::uint64_t kEnd = INT64_MAX;  // of every file
  std::uint64_t first = 0;
  std::uint64_t last = kEnd;

  bool overlaps(const LockRange& other) const { return first <= other.last && other.first <= last; }
  bool contains(const LockRange& other) const { return first <= other.first && other.last <= last; }
  friend bool operator==(const LockRange&, const LockRange&) = default;
};

// Whose locks on one file: `id` is the kernel's number for a process' table of descriptors (POSIX
// locks) or an open file description (OFD locks, flock).
struct LockOwner {
  NodeId node = 0;
  std::uint64_t id = 0;
  LockKind kind = LockKind::kRange;
  friend bool operator==(const LockOwner&, const LockOwner&) = default;
};

struct LockOwnerHash {
  std::size_t operator()(const LockOwner& owner) const {
    constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;
    return std::hash<std::uint64_t>()((owner.node * kMix + owner.id) * kMix +
                                      static_cast<std::uint64_t>(owner.kind));
  }
};

}  // namespace cvfs
