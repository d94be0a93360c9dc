// StateMemory: the one memory that outlives the process that serves: a sparse memfd with a
// versioned directory of sections (docs/state.md). Sections hold plain data linked by indices.
// Which process may write what is the sections' business; the directory never changes after
// create().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/operator_error.h"
#include "base/result.h"
#include "sys/shared_memory.h"

namespace cvfs {

// New kinds are added at the end; a kind keeps its number for ever.
enum class Section : std::uint32_t {
  kInodes = 1,
  kHandles = 2,
  kJournal = 3,
  kView = 4,
  kReceive = 5
};

// Of each section: what its layout is now, and how large it is.
struct SectionSpec {
  Section kind;
  std::uint32_t version;
  std::size_t bytes;
};

// What is known of a view as a whole, by all its processes.
inline constexpr std::uint32_t kViewStateVersion = 1;
struct ViewState {
  std::atomic<std::uint32_t> serving;           // a worker has come to serve since the mount
  std::atomic<std::uint32_t> told;              // whoever mounts has heard of it
  std::atomic<std::uint32_t> died_of_fault;     // the last one: of anything but a SIGKILL
  std::atomic<std::uint32_t> restarts;          // workers that took over from one that died
  std::atomic<std::uint64_t> resent;            // requests that the kernel sent again
  std::atomic<std::uint64_t> died_at_us;        // CLOCK_MONOTONIC: when the last worker died
  std::atomic<std::uint64_t> longest_pause_us;  // from a worker's death to the next one serving
  // When the connection ended: 0 unless something has been lost on the way.
  std::atomic<std::uint64_t> known_inodes;
  std::atomic<std::uint64_t> open_files;
};

class StateMemory {
 public:
  // Zeroed. ENOMEM: no address space.
  static Result<StateMemory> create(std::span<const SectionSpec> sections);

  // Maps what another process made. Refused: no state of cvfs, a directory that does not fit the
  // memory, a section that is missing or has another version than `expected`.
  static Outcome<StateMemory> adopt(UniqueFd memory, std::span<const SectionSpec> expected);

  std::span<std::byte> section(Section kind) const;
  ViewState& view() const { return *reinterpret_cast<ViewState*>(section(Section::kView).data()); }
  int fd() const { return memory_.fd(); }

 private:
  explicit StateMemory(sys::SharedMemory memory) : memory_(std::move(memory)) {}

  sys::SharedMemory memory_;
};

}  // namespace cvfs
