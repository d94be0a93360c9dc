// StateDirectory: the first page of the state memory: which sections there are, of which versions,
// and where. Processes of several builds share it; an entry that a process uses keeps its place.
// These functions look at a copy and change nothing. Value types; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/operator_error.h"
#include "journal/section.h"

namespace cvfs {

inline constexpr std::size_t kStatePage = 4096;
inline constexpr std::uint32_t kMaxSections = 64;
inline constexpr std::uint64_t kStateMagic = 0x3165746174736663;  // "cfstate1"
inline constexpr std::uint32_t kStateDirectoryVersion = 1;

struct SectionEntry {
  std::uint32_t kind;
  std::uint32_t version;  // 0: not there
  std::uint64_t offset;
  std::uint64_t bytes;
};

struct StateDirectory {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t count;  // of entries that were ever used
  std::uint64_t total_bytes;
  SectionEntry sections[kMaxSections];
  // An adoption appends sections of its own number, the one after `committed`: they are nobody
  // else's business until that is raised to their number. 0.1.0 left zeros here and below.
  std::uint32_t committed;
  std::uint32_t adoption[kMaxSections];

  bool is_provisional(std::uint32_t slot) const { return adoption[slot] > committed; }
};
static_assert(sizeof(StateDirectory) <= kStatePage);

std::uint64_t whole_pages(std::uint64_t bytes);

// "state memory: WHAT"; without a hint: to mount anew.
tl::unexpected<OperatorError> refuse_state(const std::string& what, std::string hint = {});

// Refused: none of cvfs, of an unknown layout, or not possible in a file of `file_bytes`.
Outcome<void> check_directory(const StateDirectory& directory, std::uint64_t file_bytes);

// A section that this build has to append.
struct Addition {
  const SectionSpec* spec;
  std::uint32_t slot;
  std::optional<std::uint32_t> old_slot;  // whose content it starts from
};

// How a build comes to its sections.
struct Adoption {
  StateDirectory after;              // without what earlier adoptions left and did not commit
  std::vector<std::uint32_t> slots;  // of each spec
  std::vector<Addition> additions;   // refer to the specs
};

// `directory` has been checked. Refused: a section of a version that its spec does not understand,
// or of its version and another size; no room for another section.
Outcome<Adoption> plan_adoption(const StateDirectory& directory,
                                std::span<const SectionSpec> sections);

}  // namespace cvfs
