// Handover: which build of cvfsd owns a view's state, decided by one word in the state memory that
// all processes change by compare-and-swap. A build is a generation; a new one is offered the
// state, and either its first worker accepts it, before it writes anything, or somebody withdraws
// the offer: whichever comes first, and the other sees that it lost. Any process, any thread.
#pragma once

#include <cstdint>

#include "journal/view_state.h"

namespace cvfs {

using Generation = std::uint32_t;

Generation current_generation(const ViewState& view);
bool is_offered(const ViewState& view);

// By the generation that owns the state, which has stopped serving: the next may have it.
void offer_state(ViewState& view);

// The state is `mine` from here on, or has been. False: the offer was withdrawn, or another
// generation has it.
bool accept_state(ViewState& view, Generation mine);

// The state is `mine` again, or still. False: the next generation has accepted it.
bool withdraw_offer(ViewState& view, Generation mine);

}  // namespace cvfs
