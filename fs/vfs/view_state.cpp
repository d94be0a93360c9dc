#include "vfs/view_state.h"

#include "journal/journal.h"
#include "journal/receive_area.h"
#include "journal/statistics.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"

namespace cvfs {

std::vector<SectionSpec> state_sections() {
  return {
      {Section::kInodes, InodeTable::kLayoutVersion, InodeTable::bytes_for(kMaxInodes)},
      {Section::kHandles, HandleTable::kLayoutVersion, HandleTable::bytes_for(kMaxHandles)},
      {Section::kJournal, Journal::kLayoutVersion, Journal::bytes()},
      {Section::kView, kViewStateVersion, sizeof(ViewState)},
      {Section::kReceive, ReceiveArea::kLayoutVersion, ReceiveArea::bytes()},
      {Section::kPlan, kPlanVersion, kPlanBytes},
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
