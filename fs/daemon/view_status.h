// What a view says of itself: the answer to `cvfs status`. For the supervisor; one thread. What the
// worker writes meanwhile is read as it is at the moment.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "daemon/served_view.h"

namespace cvfs {

// An object; its fields are described in docs/operating.md.
nlohmann::json status_of(const ServedView& view);

}  // namespace cvfs
