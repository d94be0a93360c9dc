#include "locks/held_ranges.h"

#include <algorithm>

namespace cvfs {

namespace {

// Ranges come in order.
void append(std::vector<HeldRange>& held, const HeldRange& next) {
  if (!held.empty()) {
    HeldRange& last = held.back();
    if (last.type == next.type && last.range.last + 1 == next.range.first) {
      last.range.last = next.range.last;
      last.since = std::min(last.since, next.since);
      return;
    }
  }
  held.push_back(next);
}

}  // namespace

std::vector<HeldRange> changed(const std::vector<HeldRange>& held, const HeldRange& change) {
  std::vector<HeldRange> pieces;
  pieces.reserve(held.size() + 2);
  for (const HeldRange& piece : held) {
    if (!piece.range.overlaps(change.range)) {
      pieces.push_back(piece);
      continue;
    }
    if (piece.range.first < change.range.first) {
      pieces.push_back({{piece.range.first, change.range.first - 1}, piece.type, piece.since});
    }
    if (piece.range.last > change.range.last) {
      pieces.push_back({{change.range.last + 1, piece.range.last}, piece.type, piece.since});
    }
  }
  if (change.type != LockType::kNone) pieces.push_back(change);
  std::ranges::sort(pieces, {}, [](const HeldRange& piece) { return piece.range.first; });
  std::vector<HeldRange> result;
  result.reserve(pieces.size());
  for (const HeldRange& piece : pieces) append(result, piece);
  return result;
}

std::vector<LockRange> gaps_of(const std::vector<HeldRange>& held) {
  std::vector<LockRange> gaps;
  std::uint64_t first = 0;
  for (const HeldRange& piece : held) {
    if (piece.range.first > first) gaps.push_back({first, piece.range.first - 1});
    first = piece.range.last + 1;
  }
  if (first <= LockRange::kEnd) gaps.push_back({first, LockRange::kEnd});
  return gaps;
}

}  // namespace cvfs
