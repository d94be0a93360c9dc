// The view record: a ServedView as text (JSON) in the state memory, so that another build can take
// the view over: everything as it was decided at the mount, with descriptors by their numbers.
// Fields are only ever added, and a reader takes defaults for those that came later than the
// record. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "daemon/served_view.h"

namespace cvfs {

// Writes it to the section kPlan. Refused: it does not fit (a map of thousands of ranges).
Outcome<void> write_view_record(const ServedView& view);

// The view of `state`, adopted. The descriptors it names are owned by the result. Refused: no
// record, or one that does not make sense.
Outcome<ServedView> read_view_record(std::shared_ptr<StateMemory> state);

// Would read_view_record() take it? `record`: what is in the section kPlan. Opens, closes and
// changes nothing that it names, in a process that has none of the view's descriptors.
Outcome<void> check_view_record(std::span<const std::byte> record);

}  // namespace cvfs
