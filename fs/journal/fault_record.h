// FaultArea: what a worker leaves of its end, and what its threads say of themselves when they are
// asked, in the state memory: raw addresses, which whoever is of the same image can name
// (daemon/fault_report.h). The fault is written once, by the handler of the thread that dies; a
// stack by the thread that was asked for it; both are read by the supervisor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cvfs {

inline constexpr std::size_t kMaxFrames = 48;
inline constexpr std::size_t kMaxStacks = 128;  // of threads

// The innermost frame first: where it is; then where each call returns to.
struct StackFrames {
  std::uint32_t count;
  std::uint64_t addresses[kMaxFrames];
};

struct FaultRecord {
  std::atomic<std::uint32_t> is_whole;  // 0: nothing, or not all of it
  std::int32_t signal;
  std::int32_t code;      // si_code
  std::uint64_t address;  // of the fault; of a signal that was sent: by which process
  std::int32_t pid;
  std::int32_t tid;
  // The request that the thread had at hand; unique 0: none.
  std::uint32_t opcode;
  std::uint64_t node;
  std::uint64_t unique;
  StackFrames stack;
};

struct ThreadStack {
  std::atomic<std::uint32_t> answers;  // the number of the question
  std::int32_t tid;
  StackFrames stack;
};

struct FaultArea {
  static constexpr std::uint32_t kLayoutVersion = 1;

  // The one in the section kFaults.
  static FaultArea& in(std::span<std::byte> section) {
    return *reinterpret_cast<FaultArea*>(section.data());
  }

  FaultRecord fault;
  ThreadStack stacks[kMaxStacks];
};

// A question's number and the stack's index travel in the signal's value.
inline constexpr std::uint32_t kStackIndexBits = 8;
static_assert(kMaxStacks <= 1U << kStackIndexBits);

}  // namespace cvfs
