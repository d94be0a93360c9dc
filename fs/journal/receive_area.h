// ReceiveArea: where serving threads receive what the kernel sends, in the state memory. Nobody
// sends a FORGET again that a process had read when it died; here it still stands. A slot is used
// by one thread at a time; slots that were never used cost no memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cvfs {

class ReceiveArea {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::size_t kSlots = 65;  // the most threads, and the one that drains
  // A WRITE of 1 MiB with its header, in whole pages.
  static constexpr std::size_t kMessageBytes = (1 << 20) + (16 << 10);
  static constexpr std::size_t bytes() { return kHeaderBytes + kSlots * kMessageBytes; }

  struct Slot {
    std::atomic<std::uint32_t> is_used;  // at any time since the mount
    std::atomic<std::uint32_t> done;     // how many of a message's FORGETs have been carried out
  };

  // In zeroed memory of bytes(), or in what an earlier process left there.
  explicit ReceiveArea(std::span<std::byte> memory) : memory_(memory) {}

  Slot& slot(std::size_t index) const { return reinterpret_cast<Slot*>(memory_.data())[index]; }
  std::span<std::byte> message(std::size_t index) const {
    return memory_.subspan(kHeaderBytes + index * kMessageBytes, kMessageBytes);
  }

 private:
  static constexpr std::size_t kHeaderBytes = 4096;
  static_assert(kSlots * sizeof(Slot) <= kHeaderBytes);

  std::span<std::byte> memory_;
};

}  // namespace cvfs
