#include "episode.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "actor.h"
#include "differences.h"
#include "operations.h"
#include "side.h"

namespace differential {

namespace {

std::string next_name() {
  static int number = 0;
  return "episode-" + std::to_string(++number);
}

std::optional<Difference> compare_trees(const Side& native, const Side& view, std::size_t step,
                                        const Policy& policy) {
  const auto lines_of = [&](const Side& side) {
    auto lines = side.tree();
    for (std::string& line : lines) line = comparable_line(policy, line);
    return lines;
  };
  auto expected = lines_of(native);
  auto found = lines_of(view);
  const std::size_t most = std::max(expected.size(), found.size());
  expected.resize(most, "nothing");
  found.resize(most, "nothing");
  for (std::size_t i = 0; i < most; ++i) {
    if (expected[i] != found[i]) return Difference{step, expected[i], found[i], true};
  }
  return std::nullopt;
}

std::optional<Difference> compare_step(Side& native, Side& view, const Step& step,
                                       std::size_t number, const Policy& policy,
                                       std::string& error) {
  native.start(step);
  view.start(step);
  const std::string expected = native.collect();
  const std::string found = view.collect();
  error = error_of(expected);
  if (is_same(policy, step, expected, found)) return std::nullopt;
  return Difference{number, expected, found, false};
}

// Steps without `count` of them from `first` on.
Steps without(const Steps& steps, std::size_t first, std::size_t count) {
  Steps rest(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(first));
  const std::size_t next = std::min(first + count, steps.size());
  rest.insert(rest.end(), steps.begin() + static_cast<std::ptrdiff_t>(next), steps.end());
  return rest;
}

Steps up_to(const Steps& steps, std::size_t last) {
  return {steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(last) + 1};
}

}  // namespace

std::optional<Difference> run(const Sides& sides, Plan& plan, const Policy& policy,
                              std::size_t tree_every, Steps& done, Counts& counts) {
  const std::string name = next_name();
  Side native(sides.native, name, policy, Where::kNative);
  Side view(sides.view, name, policy, Where::kView);
  while (const Step* step = plan.next()) {
    done.push_back(*step);
    std::string error;
    auto difference = compare_step(native, view, *step, done.size() - 1, policy, error);
    if (difference) return difference;
    plan.tell(error.empty());
    Count& count = counts[step->operation->name];
    ++(error.empty() ? count.succeeded : count.failed[error]);
    if (done.size() % tree_every != 0) continue;
    difference = compare_trees(native, view, done.size() - 1, policy);
    if (difference) return difference;
  }
  return compare_trees(native, view, done.size() - 1, policy);
}

Steps shrink(const Sides& sides, const Steps& all, const Policy& policy, Difference& found) {
  Steps steps = up_to(all, found.step);
  constexpr int kMostTrials = 1500;
  int trials = 0;
  const auto still_fails = [&](const Steps& fewer) {
    ++trials;
    Steps done;
    Counts counts;
    const auto difference =
        run(sides, *make_given_plan(fewer), policy, fewer.size() + 1, done, counts);
    if (!difference) return false;
    found = *difference;
    return true;
  };
  for (std::size_t part = std::max<std::size_t>(steps.size() / 2, 1); part > 0; part /= 2) {
    for (std::size_t first = 0; first < steps.size() && trials < kMostTrials;) {
      const Steps fewer = without(steps, first, part);
      if (!fewer.empty() && still_fails(fewer)) {
        steps = up_to(fewer, found.step);
      } else {
        first += part;
      }
    }
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].look) continue;
    Steps blind = steps;
    blind[i].look = false;
    if (still_fails(blind)) steps = up_to(blind, found.step);
  }
  return steps;
}

void print(const Steps& steps, const Difference& difference) {
  for (const Step& step : steps) {
    const Identity& identity = identities()[static_cast<std::size_t>(step.actor)];
    std::printf("  actor %d (uid %u, gid %u): %s%s\n", step.actor, identity.uid, identity.gid,
                describe(step).c_str(), step.look ? "  [stat before and after]" : "");
  }
  std::printf("%s\n    native: %s\n    view:   %s\n",
              difference.in_tree ? "  the trees afterwards:" : "  the last step:",
              difference.native.c_str(), difference.view.c_str());
}

}  // namespace differential
