// ViewRates: what views did between two moments, for `cvfs top`: rates, latencies, and which
// containers sent the requests. Values; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/view_answers.h"
#include "cli/view_counts.h"

namespace cvfs {

// What the views said at one moment.
struct ViewSample {
  std::uint64_t at_us = 0;
  std::vector<ViewAnswer> answers;
};

// "metrics" of all of them. `are_named`: also what is left of views that are unmounted.
ViewSample sample(const std::vector<RunningView>& views, bool are_named);

struct ViewRates {
  ViewAnswer answer;      // the later one
  double operations = 0;  // a second
  double errors = 0;      // a second
  double seconds_p50 = 0;
  double seconds_p99 = 0;
  double hit_rate = -1;  // of the file cache, 0 to 1; -1: nobody asked it
};

// The processes of a container, or of a control group, on one view.
struct ContainerRates {
  std::uint32_t view = 0;
  std::string container;      // "": none
  std::string control_group;  // "": its processes have ended
  double operations = 0;      // a second
};

std::vector<ViewRates> rates_of_views(const ViewSample& before, const ViewSample& now);

// The busiest first. Reads /proc: who has ended meanwhile is in none.
std::vector<ContainerRates> rates_of_containers(const ViewSample& before, const ViewSample& now);

}  // namespace cvfs
