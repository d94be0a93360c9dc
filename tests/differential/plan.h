// Plan: where the steps of an episode come from: made up one after the other, in the light of what
// the ones before came to, or given. For one thread.
#pragma once

#include <memory>

#include "step.h"

namespace differential {

class Plan {
 public:
  virtual ~Plan() = default;
  // Null: that was all.
  virtual const Step* next() = 0;
  // What became of it, natively.
  virtual void tell(bool has_succeeded) = 0;
};

// `count` steps, the same ones for the same seed and the same outcomes.
std::unique_ptr<Plan> make_random_plan(std::uint64_t seed, std::size_t count, const Policy& policy);
// These, which have to live on.
std::unique_ptr<Plan> make_given_plan(const Steps& steps);

}  // namespace differential
