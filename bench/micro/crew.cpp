#include "crew.h"

#include <algorithm>
#include <barrier>
#include <exception>
#include <thread>

namespace cvfs::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Worked {
  Clock::time_point start;
  Clock::time_point end;
  std::uint64_t units = 0;
  unsigned steps = 0;
  std::exception_ptr failure;
};

// Looking at the clock costs as much as a tenth of the cheapest operation.
constexpr unsigned kStepsBetweenLooks = 16;
constexpr unsigned kMostTries = 300;

void try_out(const Operation& operation, Place& place, unsigned steps) {
  if (!operation.repeatable) return;
  for (unsigned i = 0; i < std::min({steps, place.names(), kMostTries}); ++i) {
    operation.run(place, i);
  }
}

void work(const Operation& operation, Place& place, unsigned steps, std::chrono::milliseconds limit,
          Worked& worked) {
  const auto deadline = worked.start + limit;
  for (unsigned i = 0; i < steps; ++i) {
    if (i % kStepsBetweenLooks == 0 && Clock::now() > deadline) break;
    worked.units += operation.run(place, i);
    worked.steps = i + 1;
  }
}

}  // namespace

Timing time_operation(const Operation& operation, std::vector<Place>& places, unsigned steps,
                      std::chrono::milliseconds limit) {
  std::vector<Worked> crew(places.size());
  std::barrier together(static_cast<std::ptrdiff_t>(places.size()));
  // A failure must not keep the others waiting: it is taken along through the barrier.
  auto member = [&](std::size_t n) {
    Worked& worked = crew[n];
    try {
      try_out(operation, places[n], steps);
    } catch (...) {
      worked.failure = std::current_exception();
    }
    together.arrive_and_wait();
    worked.start = worked.end = Clock::now();
    if (worked.failure) return;
    try {
      work(operation, places[n], steps, limit, worked);
    } catch (...) {
      worked.failure = std::current_exception();
    }
    worked.end = Clock::now();
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 1; n < places.size(); ++n) threads.emplace_back(member, n);
    member(0);
  }

  Timing timing;
  auto start = crew.front().start;
  auto end = crew.front().end;
  for (std::size_t n = 0; n < crew.size(); ++n) {
    if (crew[n].failure) std::rethrow_exception(crew[n].failure);
    operation.check(places[n], crew[n].steps);
    start = std::min(start, crew[n].start);
    end = std::max(end, crew[n].end);
    timing.units += crew[n].units;
    timing.cut = timing.cut || crew[n].steps < steps;
  }
  timing.seconds = std::chrono::duration<double>(end - start).count();
  return timing;
}

}  // namespace cvfs::bench
