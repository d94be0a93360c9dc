// History: what a name was when, as the one who changes it knows. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

namespace hammer {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

// What status shows of a name: each change makes another one. No size: there is no such name.
struct State {
  std::int64_t size = -1;
  unsigned mode = 0;
  bool operator==(const State&) const = default;
};

class History {
 public:
  History() { states_.push_back({State{}, Time::min(), Time::max()}); }

  // Around a change: from here on the new state may be seen, and until end() the old one.
  void begin(State state) {
    const std::scoped_lock lock(mutex_);
    states_.push_back({state, Clock::now(), Time::max()});
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    const Time end = Clock::now();
    states_[states_.size() - 2].until = end;
    // Whoever has looked is done with what is so old.
    while (states_.size() > 2 && states_.front().until < end - std::chrono::seconds(20)) {
      states_.pop_front();
    }
  }

  // How long before `begin` was this last so, for one who looked from then to `end`? Time::max():
  // never. `same` compares.
  template <class Same>
  Clock::duration age(Time begin, Time end, Same same) const {
    const std::scoped_lock lock(mutex_);
    for (auto state = states_.rbegin(); state != states_.rend(); ++state) {
      if (state->from > end || !same(state->state)) continue;
      return state->until >= begin ? Clock::duration::zero() : begin - state->until;
    }
    return Clock::duration::max();
  }

  State now() const {
    const std::scoped_lock lock(mutex_);
    return states_.back().state;
  }

 private:
  struct Past {
    State state;
    Time from;
    Time until;
  };
  mutable std::mutex mutex_;
  std::deque<Past> states_;
};

}  // namespace hammer
