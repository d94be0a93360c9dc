// Differences between a view and a native filesystem that are known and cannot be mended here, each
// with its cause; docs/semantics.md says what they mean for programs. No state.
#pragma once

#include <string>

#include "step.h"

namespace differential {

// The name of the error that a step came to; "": none.
std::string error_of(const std::string& outcome);

// Did the step come to the same on both sides, as far as it is to?
bool is_same(const Policy& policy, const Step& step, const std::string& native,
             const std::string& view);
// A line of a tree, as far as it is to be the same.
std::string comparable_line(const Policy& policy, const std::string& line);

}  // namespace differential
