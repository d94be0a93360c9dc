// Who waits for POSIX locks in a view, and what those hold who wait: what another view needs to
// know of it to see a circle (locks/wait_graph.h). By any process of the view, of the state memory.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "daemon/served_view.h"
#include "locks/wait_graph.h"

namespace cvfs {

// At most kMostWaits of them, and kMostHolds of what they hold. Owners are named by the view's
// control socket and their number.
WaitGraph waits_of(const ServedView& view);
inline constexpr std::size_t kMostWaits = 1000;
inline constexpr std::size_t kMostHolds = 10'000;

// What the host's own processes hold and wait for.
WaitGraph waits_of_host();

nlohmann::json to_json(const WaitGraph& graph);
// What is not as it should be is left out.
WaitGraph wait_graph_from(const nlohmann::json& json);

}  // namespace cvfs
