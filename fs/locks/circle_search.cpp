#include "locks/circle_search.h"

#include <algorithm>
#include <map>
#include <utility>

namespace cvfs {

namespace {

bool is_in_the_way(const GraphLock& held, const GraphLock& wish) {
  return excludes(held.type, wish.type) && held.range.overlaps(wish.range) &&
         held.owner != wish.owner;
}

}  // namespace

// Who holds and does not wait is in no circle.
CircleSearch::CircleSearch(const WaitGraph& graph) : graph_(graph), blockers_(graph.waits.size()) {
  for (Index i = 0; i < graph.waits.size(); ++i) {
    const auto [owner, is_new] = owners_.emplace(graph.waits[i].wish.owner, waits_of_.size());
    if (is_new) waits_of_.emplace_back();
    waits_of_[owner->second].push_back(i);
  }
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Index>> held;  // of each file
  for (Index i = 0; i < graph.holds.size(); ++i) {
    const GraphLock& lock = graph.holds[i];
    if (owner_of(lock) != kNone) held[{lock.device, lock.inode}].push_back(i);
  }
  for (Index i = 0; i < graph.waits.size(); ++i) {
    const GraphLock& wish = graph.waits[i].wish;
    note_blockers(i, held[{wish.device, wish.inode}]);
  }
}

CircleSearch::Index CircleSearch::owner_of(const GraphLock& lock) const {
  const auto found = owners_.find(lock.owner);
  return found == owners_.end() ? kNone : found->second;
}

void CircleSearch::note_blockers(Index wait, const std::vector<Index>& holds) {
  std::vector<Index>& blockers = blockers_[wait];
  for (const Index hold : holds) {
    if (!is_in_the_way(graph_.holds[hold], graph_.waits[wait].wish)) continue;
    const Index owner = owner_of(graph_.holds[hold]);
    // Ranges of one owner mostly come one after the other.
    if (blockers.empty() || blockers.back() != owner) blockers.push_back(owner);
  }
}

CircleSearch::Index CircleSearch::find(const GraphWait& wait) const {
  const Index owner = owner_of(wait.wish);
  if (owner == kNone) return kNone;
  const auto& waits = waits_of_[owner];
  const auto found = std::ranges::find_if(waits, [&](Index i) { return graph_.waits[i].is(wait); });
  return found == waits.end() ? kNone : *found;
}

// Everybody whose lock is in the way has to unlock: one of them who waits for the first is enough.
WaitGraph::Circle CircleSearch::circle_of(const GraphWait& wait) const {
  const Index first = find(wait);
  if (first == kNone) return {};
  const Index start = owner_of(wait.wish);
  std::vector<Index> reached{first};
  std::vector<Index> from(graph_.waits.size(), kNone);  // by which other wait it was reached
  std::vector<bool> is_seen(waits_of_.size());
  for (Index next = 0; next < reached.size(); ++next) {
    for (const Index owner : blockers_[reached[next]]) {
      if (owner == start) return path_to(reached[next], from);
      if (is_seen[owner]) continue;
      is_seen[owner] = true;
      for (const Index other : waits_of_[owner]) {
        from[other] = reached[next];
        reached.push_back(other);
      }
    }
  }
  return {};
}

WaitGraph::Circle CircleSearch::path_to(Index last, const std::vector<Index>& from) const {
  WaitGraph::Circle path;
  for (Index i = last; i != kNone; i = from[i]) path.push_back(graph_.waits[i]);
  std::ranges::reverse(path);
  return path;
}

}  // namespace cvfs
