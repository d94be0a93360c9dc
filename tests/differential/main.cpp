// differential --view DIR --native DIR [--policy map|virtual|caller] [--operations N] [--seconds N]
//              [--seed S] [--container] [--without acl,passthrough,whiteouts] [--with flags]
//              [--keep-going N] [--counts]
//
// Does the same random things on a view and on a native directory, step by step, as several users
// and processes at once, and compares what each step says and, at intervals, all that is there. At
// a difference the steps are cut down to those that it takes, and printed as system calls; then it
// ends with 1. The native directory lies on what backs the view, so that both are alike. Run by the
// host's root; both directories have to be empty, and are in the end.
//
//   --container   the actors live in a user namespace of 0:100000:65536, which the view is for
//   --counts      tells how often each operation succeeded and failed natively
//   --keep-going  goes on after a difference, until there were N
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

#include "episode.h"
#include "operations.h"

namespace {

using namespace differential;

constexpr std::size_t kStepsOfAnEpisode = 400;
constexpr std::size_t kTreeEvery = 100;

struct Options {
  Sides sides;
  Policy policy;
  std::uint64_t operations = 10'000;
  time_t seconds = 0;  // 0: no limit
  std::uint64_t seed = 1;
  int most_differences = 1;
  bool counts = false;
};

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: differential --view DIR --native DIR [--policy map|virtual|caller]\n"
               "       [--operations N] [--seconds N] [--seed S] [--container]\n"
               "       [--without acl,passthrough,whiteouts] [--with flags] [--keep-going N]\n"
               "       [--counts]\n");
  std::exit(2);
}

bool mentions(const std::map<std::string, std::string>& given, const char* name, const char* word) {
  const auto found = given.find(name);
  return found != given.end() && found->second.find(word) != std::string::npos;
}

Options options_of(int argc, char** argv) {
  std::map<std::string, std::string> given{{"--policy", "map"}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--container" || name == "--counts") {
      given[name] = "yes";
    } else if (name.starts_with("--") && i + 1 < argc) {
      given[name] = argv[++i];
    } else {
      usage();
    }
  }
  const auto number = [&](const char* name, std::uint64_t otherwise) {
    return given.count(name) == 0 ? otherwise : std::strtoull(given[name].c_str(), nullptr, 0);
  };
  Options options;
  options.sides = {given["--native"], given["--view"]};
  if (options.sides.native.empty() || options.sides.view.empty()) usage();
  options.policy.name = given["--policy"];
  options.policy.has_acls = !mentions(given, "--without", "acl");
  options.policy.has_passthrough = !mentions(given, "--without", "passthrough");
  options.policy.has_whiteouts = !mentions(given, "--without", "whiteouts");
  options.policy.has_file_flags = mentions(given, "--with", "flags");
  options.policy.in_container = given.count("--container") != 0;
  options.counts = given.count("--counts") != 0;
  options.operations = number("--operations", options.operations);
  options.seconds = static_cast<time_t>(number("--seconds", 0));
  options.seed = number("--seed", options.seed);
  options.most_differences = static_cast<int>(number("--keep-going", 1));
  return options;
}

// True: a difference was found, and told.
bool has_difference(const Options& options, std::uint64_t seed, Counts& counts) {
  Steps steps;
  const auto plan = make_random_plan(seed, kStepsOfAnEpisode, options.policy);
  const auto difference = run(options.sides, *plan, options.policy, kTreeEvery, steps, counts);
  if (!difference) return false;
  std::printf("a difference with --seed %llu at step %zu; shortened:\n",
              static_cast<unsigned long long>(seed), difference->step);
  Difference found = *difference;
  const Steps few = shrink(options.sides, steps, options.policy, found);
  print(few, found);
  std::fflush(stdout);
  return true;
}

void print(const Counts& counts) {
  for (const auto& [name, count] : counts) {
    std::printf("%-16s %8llu succeeded", name.c_str(),
                static_cast<unsigned long long>(count.succeeded));
    for (const auto& [error, times] : count.failed) {
      std::printf(" %llu %s", static_cast<unsigned long long>(times), error.c_str());
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = options_of(argc, argv);
  const time_t start = std::time(nullptr);
  std::uint64_t done = 0;
  int differences = 0;
  Counts counts;
  for (std::uint64_t seed = options.seed; done < options.operations; ++seed) {
    if (options.seconds != 0 && std::time(nullptr) - start >= options.seconds) break;
    if (has_difference(options, seed, counts)) ++differences;
    if (differences >= options.most_differences) break;
    done += kStepsOfAnEpisode;
  }
  if (options.counts) print(counts);
  std::printf("%llu operations, %d differences\n", static_cast<unsigned long long>(done),
              differences);
  return differences == 0 ? 0 : 1;
}
