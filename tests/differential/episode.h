// Episode: a sequence of steps on both sides in lockstep, from two empty directories on, and the
// first difference. For one thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan.h"
#include "step.h"

namespace differential {

struct Sides {
  std::string native;
  std::string view;
};

struct Difference {
  std::size_t step = 0;  // the one after which it was seen
  std::string native;
  std::string view;
  bool in_tree = false;
};

// How often each operation succeeded and failed, by its name.
struct Count {
  std::uint64_t succeeded = 0;
  std::map<std::string, std::uint64_t> failed;  // by the error's name
};
using Counts = std::map<std::string, Count>;

// `tree_every`: how many steps lie between two comparisons of the whole trees, which there is one
// of in the end, too.
// `done`: the steps that were made.
std::optional<Difference> run(const Sides& sides, Plan& plan, const Policy& policy,
                              std::size_t tree_every, Steps& done, Counts& counts);

// Leaves out what the difference does not need. `found`: how it showed.
Steps shrink(const Sides& sides, const Steps& steps, const Policy& policy, Difference& found);

// Prints the steps and what is different after the last.
void print(const Steps& steps, const Difference& difference);

}  // namespace differential
