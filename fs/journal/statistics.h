// Statistics: how many requests of each kind a view has answered, in the state memory, so that they
// go on counting over a worker's death. A slot is written by one thread at a time, without a locked
// instruction; sums may be read by any thread and process.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cvfs {

struct OpcodeCount {
  std::uint64_t answered = 0;  // errors among them; of a FORGET and an INTERRUPT: carried out
  std::uint64_t errors = 0;
};

// One thread's.
class RequestCounters {
 public:
  static constexpr std::size_t kOpcodes = 64;  // larger ones share the last place

  void count(std::uint32_t opcode, bool is_error) {
    Counter& counter = counters_[std::min<std::size_t>(opcode, kOpcodes - 1)];
    add_one(counter.answered);
    if (is_error) add_one(counter.errors);
  }
  OpcodeCount get(std::size_t opcode) const {
    return {counters_[opcode].answered.load(std::memory_order_relaxed),
            counters_[opcode].errors.load(std::memory_order_relaxed)};
  }

 private:
  struct Counter {
    std::atomic<std::uint64_t> answered;
    std::atomic<std::uint64_t> errors;
  };
  static void add_one(std::atomic<std::uint64_t>& value) {
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  Counter counters_[kOpcodes];
};

class Statistics {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::size_t kSlots = 65;  // as ReceiveArea::kSlots
  static constexpr std::size_t bytes() { return kSlots * sizeof(RequestCounters); }

  // In zeroed memory of bytes(), or in what an earlier process left there.
  explicit Statistics(std::span<std::byte> memory)
      : slots_(reinterpret_cast<RequestCounters*>(memory.data()), kSlots) {}

  RequestCounters& slot(std::size_t index) const { return slots_[index]; }

  // By opcode, over all slots.
  std::array<OpcodeCount, RequestCounters::kOpcodes> sum() const {
    std::array<OpcodeCount, RequestCounters::kOpcodes> sums{};
    for (const RequestCounters& counters : slots_) {
      for (std::size_t opcode = 0; opcode < sums.size(); ++opcode) {
        const OpcodeCount count = counters.get(opcode);
        sums[opcode].answered += count.answered;
        sums[opcode].errors += count.errors;
      }
    }
    return sums;
  }

 private:
  std::span<RequestCounters> slots_;
};

}  // namespace cvfs
