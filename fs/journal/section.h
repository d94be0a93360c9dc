// What a section of the state memory is: its kind, and what a build makes of it (docs/state.md).
// Plain values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/operator_error.h"

namespace cvfs {

// New kinds are added at the end; a kind keeps its number for ever.
enum class Section : std::uint32_t {
  kInodes = 1,
  kHandles = 2,
  kJournal = 3,
  kView = 4,
  kReceive = 5,
  kPlan = 6,           // what the view is, as text
  kStatistics = 7,     // journal/statistics.h
  kFaults = 8,         // journal/fault_record.h
  kLocks = 9,          // locks/lock_section.h
  kWatch = 10,         // journal/watch_area.h
  kAskedAgain = 11,    // vfs/asked_again.h
  kMeasurements = 12,  // journal/measurements.h
};

// Makes this build's section of what a build of an older version left in `old`, which stays as it
// is. `fresh` is zeroed. Nobody writes either meanwhile.
using Migrate = Outcome<void> (*)(std::span<const std::byte> old, std::uint32_t old_version,
                                  std::span<std::byte> fresh);

// Of each section: what its layout is now, and how large it is.
struct SectionSpec {
  Section kind;
  std::uint32_t version;
  std::size_t bytes;
  // From `oldest` on older versions are understood; null: none is.
  Migrate migrate = nullptr;
  std::uint32_t oldest = 1;

  bool understands(std::uint32_t other) const {
    return other == version || (migrate != nullptr && other >= oldest && other < version);
  }
};

}  // namespace cvfs
