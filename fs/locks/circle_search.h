// CircleSearch: who waits for whom in a WaitGraph, worked out once for all that is asked of it. The
// graph has to stay as it is meanwhile. Not thread-safe.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "locks/wait_graph.h"

namespace cvfs {

class CircleSearch {
 public:
  explicit CircleSearch(const WaitGraph& graph);

  // Those who wait for each other with `wait`, itself first, as few as there can be; empty: it will
  // end, or is not in the graph.
  WaitGraph::Circle circle_of(const GraphWait& wait) const;

 private:
  using Index = std::size_t;
  static constexpr Index kNone = ~Index{0};

  Index owner_of(const GraphLock& lock) const;
  void note_blockers(Index wait, const std::vector<Index>& holds);
  Index find(const GraphWait& wait) const;
  WaitGraph::Circle path_to(Index last, const std::vector<Index>& from) const;

  const WaitGraph& graph_;
  std::unordered_map<std::string_view, Index> owners_;  // that wait
  std::vector<std::vector<Index>> waits_of_;            // of each owner
  std::vector<std::vector<Index>> blockers_;            // of each wait: owners
};

}  // namespace cvfs
