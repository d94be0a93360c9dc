#include "vfs/state_sections.h"

#include <algorithm>

#include "journal/fault_record.h"
#include "journal/journal.h"
#include "journal/receive_area.h"
#include "journal/statistics.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"

namespace cvfs {

namespace {

// Version 1 was the beginning of version 2.
Outcome<void> lengthen(std::span<const std::byte> old, std::uint32_t, std::span<std::byte> fresh) {
  std::ranges::copy(old, fresh.begin());
  return {};
}

}  // namespace

std::vector<SectionSpec> state_sections() {
  return {
      {Section::kInodes, InodeTable::kLayoutVersion, InodeTable::bytes_for(kMaxInodes)},
      {Section::kHandles, HandleTable::kLayoutVersion, HandleTable::bytes_for(kMaxHandles)},
      {Section::kJournal, Journal::kLayoutVersion, Journal::bytes(), Journal::migrate},
      {Section::kView, kViewStateVersion, kViewStateBytes, lengthen},
      {Section::kReceive, ReceiveArea::kLayoutVersion, ReceiveArea::bytes()},
      {Section::kPlan, kPlanVersion, kPlanBytes},
      {Section::kFaults, FaultArea::kLayoutVersion, sizeof(FaultArea)},
      {Section::kStatistics, Statistics::kLayoutVersion, Statistics::bytes()},
  };
}

Result<StateMemory> make_state() {
  return StateMemory::create(state_sections());
}

Outcome<void> check_state(int fd) {
  return StateMemory::check(fd, state_sections());
}

Outcome<StateMemory> adopt_state(UniqueFd memory) {
  return StateMemory::adopt(std::move(memory), state_sections());
}

}  // namespace cvfs
