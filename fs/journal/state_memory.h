// StateMemory: the one memory that outlives the process that serves, and the build: a sparse memfd
// with a versioned directory of sections (docs/state.md). Sections hold plain data linked by
// indices. Which process may write what is the sections' business; the directory is changed by one
// process at a time, that of the build that takes a view over. section() and view() from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/operator_error.h"
#include "base/result.h"
#include "journal/section.h"
#include "journal/state_directory.h"
#include "journal/view_state.h"
#include "sys/shared_memory.h"

namespace cvfs {

class StateMemory {
 public:
  // Zeroed. ENOMEM: no address space.
  static Result<StateMemory> create(std::span<const SectionSpec> sections);

  // Would adopt() take it? Changes nothing. Refused: no state of cvfs, a directory that does not
  // fit the memory, a section of a version that is not understood (section.h).
  static Outcome<void> check(int fd, std::span<const SectionSpec> sections);

  // What a section holds now, for who only looks on. Empty: there is none of this version.
  static Outcome<std::vector<std::byte>> read(int fd, Section kind, std::uint32_t version);

  // Maps what another process made, of this build or another, which may live and go on with its own
  // sections, but not change them while this runs. What is missing is appended, and what is of
  // an older version is made anew of it; both count for others only after commit(). Takes away what
  // an adoption left that never was committed: its process must have ended. Refused: as check().
  static Outcome<StateMemory> adopt(UniqueFd memory, std::span<const SectionSpec> sections);

  // What adopt() appended is the view's state from here on, and whoever has older sections must
  // have ended. May be called in a child of the process that adopted.
  void commit();
  // After commit(): gives back the memory of those older sections.
  void retire_older();

  // This build's; empty: not among those of create() or adopt().
  std::span<std::byte> section(Section kind) const;
  ViewState& view() const { return *reinterpret_cast<ViewState*>(section(Section::kView).data()); }
  int fd() const { return memory_.fd(); }

 private:
  // One of the sections that this process uses.
  struct Used {
    std::uint32_t slot;
    Section kind;
    std::span<std::byte> bytes;
  };

  explicit StateMemory(sys::SharedMemory memory) : memory_(std::move(memory)) {}

  StateDirectory& directory() const { return *static_cast<StateDirectory*>(memory_.data()); }
  std::span<std::byte> bytes_of(const SectionEntry& entry) const;
  void use(std::uint32_t slot);
  bool uses(Section kind) const;
  void drop(std::uint32_t slot);
  Outcome<void> carry_out(const Adoption& plan);
  Outcome<void> fill(const Adoption& plan, const Addition& addition);
  void publish(const StateDirectory& planned, std::uint32_t slot);

  sys::SharedMemory memory_;
  std::vector<Used> used_;
  std::uint32_t adoption_ = 0;  // 0: nothing was appended
};

}  // namespace cvfs
