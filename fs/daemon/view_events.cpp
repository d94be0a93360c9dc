#include "daemon/view_events.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace cvfs {

void note_event(ViewState& view, ViewEventKind kind, std::string_view why, std::uint64_t pause_us) {
  ViewEvent& event = view.events[view.event_count % ViewState::kEvents];
  event = {};
  event.at = std::time(nullptr);
  event.kind = kind;
  event.pause_us = static_cast<std::uint32_t>(pause_us);
  std::memcpy(event.why, why.data(), std::min(why.size(), sizeof event.why - 1));
  ++view.event_count;
}

void note_pause_of_last_event(ViewState& view, std::uint64_t pause_us) {
  const std::uint64_t count = view.event_count;
  if (count == 0) return;
  view.events[(count - 1) % ViewState::kEvents].pause_us = static_cast<std::uint32_t>(pause_us);
}

}  // namespace cvfs
