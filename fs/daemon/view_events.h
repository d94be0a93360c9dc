// What happened to a view, for `cvfs status`: a ring of the last events in the state memory. By the
// supervisor only.
#pragma once

#include <string_view>

#include "journal/view_state.h"

namespace cvfs {

// Now. `why` is cut to what a record holds.
void note_event(ViewState& view, ViewEventKind kind, std::string_view why,
                std::uint64_t pause_us = 0);

// What the last event cost is known now.
void note_pause_of_last_event(ViewState& view, std::uint64_t pause_us);

}  // namespace cvfs
