// The state memory of a view as this build has it: all its sections, and how they come to be. Every
// layout change is made here, and tests/state-images says what it has to understand. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/operator_error.h"
#include "base/result.h"
#include "journal/state_memory.h"

namespace cvfs {

inline constexpr std::uint32_t kMaxInodes = 16 << 20;
inline constexpr std::uint32_t kMaxHandles = 1 << 20;
inline constexpr std::size_t kPlanBytes = 1 << 20;
inline constexpr std::uint32_t kPlanVersion = 1;

std::vector<SectionSpec> state_sections();

// ENOMEM: no address space.
Result<StateMemory> make_state();

// Would adopt_state() take it? See StateMemory::check(), adopt().
Outcome<void> check_state(int fd);
Outcome<StateMemory> adopt_state(UniqueFd memory);

}  // namespace cvfs
