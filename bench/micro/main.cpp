// bench_micro: times single operations in a directory and prints a line of JSON for each.
//
//   {"op": "create", "threads": 1, "units": 3000, "seconds": 0.03, "cut": false}
//   {"op": "xattr_get", "threads": 1, "error": "setxattr file: Operation not supported"}
//
// Its work stays in DIR/OPERATION-THREADSt/THREAD for whoever wants to check it. With --phase
// prepare and then, in another process, --phase run, the caller can empty caches in between.
#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "calls.h"
#include "crew.h"
#include "operation.h"

namespace {

using cvfs::bench::Operation;
using cvfs::bench::Place;

struct Options {
  std::string directory;
  std::vector<std::string> operations;
  unsigned threads = 1;
  double scale = 1;
  unsigned limit_ms = 1000;
  std::string phase = "all";
};

unsigned scaled(unsigned count, const Options& options) {
  return std::max(1U, static_cast<unsigned>(count * options.scale));
}

// A step that is a whole pass is not divided: what scales is what it passes over.
unsigned steps_of(const Operation& operation, const Options& options) {
  constexpr unsigned kFewest = 10;
  return operation.steps < kFewest ? operation.steps : scaled(operation.steps, options);
}

std::vector<Place> places_of(const Operation& operation, const Options& options) {
  const cvfs::UniqueFd root(
      cvfs::bench::succeed(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                           "open", options.directory.c_str()));
  const Place parent(root.get(), fmt::format("{}-{}t", operation.name, options.threads), 0);
  std::vector<Place> places;
  for (unsigned thread = 0; thread < options.threads; ++thread) {
    places.emplace_back(parent.dir(), std::to_string(thread), scaled(operation.names, options));
  }
  return places;
}

nlohmann::json measure(const Operation& operation, const Options& options) {
  nlohmann::json line{{"op", operation.name}, {"threads", options.threads}};
  try {
    auto places = places_of(operation, options);
    if (options.phase != "run") std::for_each(places.begin(), places.end(), operation.prepare);
    if (options.phase == "prepare") return line;
    const auto timing = cvfs::bench::time_operation(operation, places, steps_of(operation, options),
                                                    std::chrono::milliseconds(options.limit_ms));
    line["units"] = timing.units;
    line["seconds"] = timing.seconds;
    line["cut"] = timing.cut;
  } catch (const std::exception& failure) {
    line["error"] = failure.what();
  }
  return line;
}

int run_operations(const Options& options) {
  const auto all = cvfs::bench::all_operations();
  for (const auto& name : options.operations) {
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const Operation& operation) { return operation.name == name; });
    if (found == all.end()) {
      fmt::print(stderr, "bench_micro: no operation is called '{}'\n", name);
      return 2;
    }
    fmt::print("{}\n", measure(*found, options).dump());
    std::fflush(stdout);
  }
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("times single operations in a directory");
  app.add_option("--dir", options.directory, "where to work")->required();
  app.add_option("--ops", options.operations, "which operations")->required()->delimiter(',');
  app.add_option("--threads", options.threads,
                 "how many at a time, each in a directory of its own");
  app.add_option("--scale", options.scale, "factor on the number of files and steps");
  app.add_option("--limit-ms", options.limit_ms, "ends an operation's clock after that");
  app.add_option("--phase", options.phase, "prepare, run or all");
  CLI11_PARSE(app, argc, argv);
  return run_operations(options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_micro: %s\n", failure.what());
    return 1;
  }
}
