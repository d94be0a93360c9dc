#include "plan.h"

#include <numeric>
#include <span>

#include "choices.h"
#include "operations.h"

namespace differential {

namespace {

std::vector<const Operation*> all_of(const Policy& policy) {
  std::vector<const Operation*> all;
  const auto add = [&](std::span<const Operation> some) {
    for (const Operation& operation : some) all.push_back(&operation);
  };
  add(name_operations());
  add(file_operations());
  add(attribute_operations());
  add(xattr_operations());
  if (policy.has_file_flags) add(flag_operations());
  return all;
}

const Operation* any_operation(Dice& dice, const std::vector<const Operation*>& all) {
  const int sum = std::accumulate(all.begin(), all.end(), 0,
                                  [](int part, const Operation* o) { return part + o->weight; });
  std::int64_t place = dice.below(sum);
  for (const Operation* operation : all) {
    place -= operation->weight;
    if (place < 0) return operation;
  }
  return all.back();
}

class RandomPlan final : public Plan {
 public:
  RandomPlan(std::uint64_t seed, std::size_t count, const Policy& policy)
      : operations_(all_of(policy)), choice_{Dice(seed), policy, World()}, left_(count) {}

  const Step* next() override {
    if (left_ == 0) return nullptr;
    --left_;
    before_ = choice_.world;
    step_ = Step();
    step_.operation = any_operation(choice_.dice, operations_);
    step_.actor = static_cast<int>(choice_.dice.below(kActors));
    step_.look = choice_.dice.one_in(3);
    step_.operation->choose(choice_, step_);
    return &step_;
  }

  // Each step has been noted as if it succeeded.
  void tell(bool has_succeeded) override {
    if (!has_succeeded) choice_.world = before_;
  }

 private:
  std::vector<const Operation*> operations_;
  Choice choice_;
  World before_;
  Step step_;
  std::size_t left_;
};

class GivenPlan final : public Plan {
 public:
  explicit GivenPlan(const Steps& steps) : steps_(steps) {}
  const Step* next() override { return at_ == steps_.size() ? nullptr : &steps_[at_++]; }
  void tell(bool) override {}

 private:
  const Steps& steps_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Plan> make_random_plan(std::uint64_t seed, std::size_t count,
                                       const Policy& policy) {
  return std::make_unique<RandomPlan>(seed, count, policy);
}

std::unique_ptr<Plan> make_given_plan(const Steps& steps) {
  return std::make_unique<GivenPlan>(steps);
}

}  // namespace differential
