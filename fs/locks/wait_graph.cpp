#include "locks/wait_graph.h"

#include <algorithm>
#include <unordered_set>

namespace cvfs {

namespace {

bool is_in_the_way(const GraphLock& held, const GraphLock& wish) {
  return held.device == wish.device && held.inode == wish.inode && held.owner != wish.owner &&
         excludes(held.type, wish.type) && held.range.overlaps(wish.range);
}

class Search {
 public:
  Search(const WaitGraph& graph, const GraphWait& start) : graph_(graph), start_(start) {}

  // Everybody whose lock is in the way has to unlock: one of them who waits for `start` is enough.
  // NOLINTNEXTLINE(misc-no-recursion): no deeper than there are waits
  bool leads_back(const GraphWait& wait) {
    if (!seen_.insert(&wait).second) return false;
    path_.push_back(wait);
    for (const GraphLock& held : graph_.holds) {
      if (!is_in_the_way(held, wait.wish)) continue;
      if (held.owner == start_.wish.owner) return true;
      for (const GraphWait& next : graph_.waits) {
        if (next.wish.owner == held.owner && leads_back(next)) return true;
      }
    }
    path_.pop_back();
    return false;
  }

  WaitGraph::Circle path() { return std::move(path_); }

 private:
  const WaitGraph& graph_;
  const GraphWait& start_;
  std::unordered_set<const GraphWait*> seen_;
  WaitGraph::Circle path_;
};

}  // namespace

void WaitGraph::add(const WaitGraph& other) {
  holds.insert(holds.end(), other.holds.begin(), other.holds.end());
  waits.insert(waits.end(), other.waits.begin(), other.waits.end());
}

WaitGraph::Circle WaitGraph::circle_of(const GraphWait& wait) const {
  Search search(*this, wait);
  return search.leads_back(wait) ? search.path() : Circle();
}

const GraphWait* victim_of(const WaitGraph::Circle& circle) {
  const GraphWait* last = nullptr;
  for (const GraphWait& wait : circle) {
    if (wait.request == 0) continue;
    const bool is_later = last == nullptr || wait.since > last->since ||
                          (wait.since == last->since && wait.wish.owner > last->wish.owner);
    if (is_later) last = &wait;
  }
  return last;
}

bool is_same(const WaitGraph::Circle& a, const WaitGraph::Circle& b) {
  const auto is_in = [&b](const GraphWait& wait) {
    return std::ranges::any_of(b, [&](const GraphWait& other) { return wait.is(other); });
  };
  return a.size() == b.size() && std::ranges::all_of(a, is_in);
}

}  // namespace cvfs
