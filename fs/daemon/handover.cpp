#include "daemon/handover.h"

namespace cvfs {

namespace {

constexpr std::uint64_t kOffered = 1ULL << 32;

constexpr std::uint64_t settled(Generation generation) {
  return generation;
}
constexpr std::uint64_t offered(Generation by) {
  return kOffered | by;
}

// From the offer by `from` to its owner being `to`; true also if that is so already.
bool settle(ViewState& view, Generation from, Generation to) {
  std::uint64_t word = offered(from);
  return view.handover.compare_exchange_strong(word, settled(to)) || word == settled(to);
}

}  // namespace

Generation current_generation(const ViewState& view) {
  return static_cast<Generation>(view.handover.load());
}

bool is_offered(const ViewState& view) {
  return (view.handover.load() & kOffered) != 0;
}

void offer_state(ViewState& view) {
  view.handover = offered(current_generation(view));
}

bool accept_state(ViewState& view, Generation mine) {
  return settle(view, mine - 1, mine);
}

bool withdraw_offer(ViewState& view, Generation mine) {
  return settle(view, mine, mine);
}

}  // namespace cvfs
