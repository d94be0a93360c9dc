// A crew of threads that does one operation at the same time, each in a Place of its own, against
// the clock. Called from one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "operation.h"

namespace cvfs::bench {

struct Timing {
  std::uint64_t units = 0;
  double seconds = 0;  // from the first start to the last end
  bool cut = false;    // not all steps were done within `limit`
};

// Each thread makes `steps` steps, fewer if `limit` is over before. What a thread throws is thrown
// here once all have ended. Checks that the work is done, after the clock has stopped.
Timing time_operation(const Operation& operation, std::vector<Place>& places, unsigned steps,
                      std::chrono::milliseconds limit);

}  // namespace cvfs::bench
