#include "vfs/state_sections.h"

#include <algorithm>

#include "journal/fault_record.h"
#include "journal/journal.h"
#include "journal/measurements.h"
#include "journal/receive_area.h"
#include "journal/statistics.h"
#include "journal/watch_area.h"
#include "locks/lock_section.h"
#include "vfs/asked_again.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"

namespace cvfs {

namespace {

// The older version was the beginning of the newer.
Outcome<void> lengthen(std::span<const std::byte> old, std::uint32_t, std::span<std::byte> fresh) {
  std::ranges::copy(old, fresh.begin());
  return {};
}

std::vector<SectionSpec> todays_sections() {
  return {
      {Section::kInodes, InodeTable::kLayoutVersion, InodeTable::bytes_for(kMaxInodes),
       InodeTable::migrate},
      {Section::kHandles, HandleTable::kLayoutVersion, HandleTable::bytes_for(kMaxHandles)},
      {Section::kJournal, Journal::kLayoutVersion, Journal::bytes(), Journal::migrate},
      {Section::kView, kViewStateVersion, kViewStateBytes, lengthen},
      {Section::kReceive, ReceiveArea::kLayoutVersion, ReceiveArea::bytes()},
      {Section::kPlan, kPlanVersion, kPlanBytes},
      {Section::kFaults, FaultArea::kLayoutVersion, sizeof(FaultArea)},
      {Section::kStatistics, Statistics::kLayoutVersion, Statistics::bytes()},
      {Section::kLocks, LockSection::kLayoutVersion, LockSection::bytes()},
      {Section::kWatch, WatchArea::kLayoutVersion, WatchArea::bytes()},
      {Section::kAskedAgain, AskedAgain::kLayoutVersion, AskedAgain::bytes()},
      {Section::kMeasurements, Measurements::kLayoutVersion, Measurements::bytes()},
  };
}

#ifdef CVFS_NEXT_LAYOUT
// What a test's build takes for tomorrow's: two sections of a newer version, and one more.
std::vector<SectionSpec> tomorrows_sections() {
  std::vector<SectionSpec> sections = todays_sections();
  for (SectionSpec& section : sections) {
    if (section.kind != Section::kJournal && section.kind != Section::kStatistics) continue;
    ++section.version;
    section.migrate = lengthen;
  }
  sections.push_back({Section{4711}, 1, 4096});
  return sections;
}
#endif

}  // namespace

std::vector<SectionSpec> state_sections() {
#ifdef CVFS_NEXT_LAYOUT
  return tomorrows_sections();
#else
  return todays_sections();
#endif
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
