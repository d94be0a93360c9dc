// What a core dump of this process needs and holds (core(5)). Where it goes is core_pattern's
// business, which belongs to the machine. Any thread.
#pragma once

#include <cstddef>
#include <span>

namespace cvfs::sys {

// As large as the hard limit of RLIMIT_CORE allows.
void allow_core_dumps();

// Memory that dumps are to hold although its mapping is left out of them (shared_memory.h). Whole
// pages.
void keep_in_core_dumps(std::span<std::byte> memory);

// The process is about to die, on a thread that may have lent itself somebody's ids: setfsuid(2)
// has cleared what allows a dump, and the file would be opened with those ids. For signal handlers.
void prepare_core_dump();

}  // namespace cvfs::sys
