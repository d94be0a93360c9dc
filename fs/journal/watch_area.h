// WatchArea: what a view knows of the watch on its backing filesystem (state memory, section
// kWatch): the events that are being worked on, so that a worker that dies over them loses none,
// and counts. Plain data. Written by the one thread that reads the watch; counts are read by all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sys/file_handle.h"

namespace cvfs {

struct WatchArea {
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::size_t kEventBytes = 16 << 10;

  std::atomic<std::uint64_t> events;         // that were read
  std::atomic<std::uint64_t> invalidations;  // that the kernel was told of: inodes and names
  std::atomic<std::uint64_t> overflows;      // more happened than the kernel had kept
  std::atomic<std::uint64_t> stalls;         // directories whose names waited for a request
  // Not 0: the next process has everything asked for again. Bits, by why it would have to.
  static constexpr std::uint32_t kOverflown = 1;  // more happened than the kernel had kept
  static constexpr std::uint32_t kNamesWait = 2;  // of what was read some has not been told
  std::atomic<std::uint32_t> drop_all;
  // Files whose writes are passed over for now (fuse/busy_files.h).
  struct PassedOver {
    std::atomic<std::uint32_t> is_used;
    sys::FileHandle handle;
  };
  static constexpr std::size_t kPassedOver = 64;
  PassedOver passed_over[kPassedOver];
  // What was read, up to an event whose length is 0; zeros once it is done.
  alignas(4096) std::byte buffer[kEventBytes];

  static constexpr std::size_t bytes() { return sizeof(WatchArea); }
  static WatchArea& in(std::span<std::byte> memory) {
    return *reinterpret_cast<WatchArea*>(memory.data());
  }
};

}  // namespace cvfs
