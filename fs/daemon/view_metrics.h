// What a view says of itself in numbers, for `cvfs metrics` and `cvfs top`: what stands in the
// state memory, so that no worker is asked. Allocates; for the supervisor.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "daemon/served_view.h"

namespace cvfs {

// docs/operating.md, Metrics, has its fields.
nlohmann::json metrics_of(const ServedView& view);

}  // namespace cvfs
