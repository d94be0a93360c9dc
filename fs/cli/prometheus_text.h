// What views count, in Prometheus' text format. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "cli/view_answers.h"

namespace cvfs {

// `answers` to ControlVerb::kMetrics. Views that do not answer are `cvfs_up 0`. docs/operating.md
// has the names.
std::string prometheus_text(const std::vector<ViewAnswer>& answers);

}  // namespace cvfs
