// Differences between a view and a native filesystem that are known and cannot be mended here, each
// with its cause; docs/semantics.md says what they mean for programs. No state.
#pragma once

#include <string>

#include "step.h"

namespace differential {

// What came out of a step, as far as it is to be the same on both sides.
std::string comparable(const Policy& policy, const Step& step, const std::string& outcome);
std::string comparable_line(const Policy& policy, const std::string& line);

}  // namespace differential
