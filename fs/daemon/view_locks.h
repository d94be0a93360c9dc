// Who holds and who waits for locks in a view, and which processes of the host hold locks on the
// same files: the answer to `cvfs locks`. By the supervisor, of the state memory: also while no
// worker serves.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "daemon/served_view.h"

namespace cvfs {

// An array; its fields are described in docs/locks.md. At most kMostLocks, those that are held
// first.
nlohmann::json locks_of(const ServedView& view);
inline constexpr std::size_t kMostLocks = 2000;
// So many of the machine's are looked at: it is the supervisor that does.
inline constexpr std::size_t kMostSystemLocks = 20'000;

}  // namespace cvfs
