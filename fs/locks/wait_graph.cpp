#include "locks/wait_graph.h"

#include <algorithm>

namespace cvfs {

void WaitGraph::add(const WaitGraph& other) {
  holds.insert(holds.end(), other.holds.begin(), other.holds.end());
  waits.insert(waits.end(), other.waits.begin(), other.waits.end());
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
