// Measurements: how long a view's requests took, how they failed, who sent them, and what was at
// hand, in the state memory, so that they go on over a worker's death. Each thread writes a slot of
// its own, as each shard of the file cache does, without a locked instruction; anybody may read.
// What was never measured takes no memory: Statistics says which rows are worth reading.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cvfs {

// A count with one writer at a time.
class LoneCount {
 public:
  void add(std::uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_;
};

// Of one kind of request. Bucket i holds what took less than 2^i microseconds and is in none
// before; the last one what took longer.
struct LatencyHistogram {
  static constexpr std::size_t kBuckets = 28;

  static std::size_t bucket_of(std::uint64_t ns) {
    return std::min<std::size_t>(std::bit_width(ns / 1000), kBuckets - 1);
  }
  // Of all but the last.
  static constexpr double limit_seconds(std::size_t bucket) {
    return static_cast<double>(std::uint64_t{1} << bucket) / 1e6;
  }

  void note(std::uint64_t ns) {
    total_ns.add(ns);
    buckets[bucket_of(ns)].add(1);
  }

  LoneCount total_ns;
  LoneCount buckets[kBuckets];
};

// A thread that sends requests, by its number in cvfsd's process id namespace. Another one whose
// number has the same place takes it, and counts from the start.
struct CallerCount {
  LoneCount tid;
  LoneCount requests;
};

// One serving thread's.
class RequestMeasures {
 public:
  static constexpr std::size_t kOpcodes = 64;  // larger ones share the last place
  static constexpr std::size_t kErrnos = 136;  // the same
  static constexpr std::size_t kCallers = 256;

  void note_latency(std::uint32_t opcode, std::uint64_t ns) { latencies_[place(opcode)].note(ns); }
  void note_error(std::uint32_t opcode, int error) {
    errors_[place(opcode)][std::min<std::size_t>(static_cast<unsigned>(error), kErrnos - 1)].add(1);
  }
  void note_caller(std::uint32_t tid) {
    if (tid == 0) return;
    CallerCount& caller = callers_[tid % kCallers];
    if (caller.tid.get() != tid) {
      caller.requests.set(0);
      caller.tid.set(tid);
    }
    caller.requests.add(1);
  }

  const LatencyHistogram& latency(std::uint32_t opcode) const { return latencies_[place(opcode)]; }
  std::uint64_t errors(std::uint32_t opcode, std::size_t error) const {
    return errors_[place(opcode)][error].get();
  }
  std::span<const CallerCount> callers() const { return callers_; }

 private:
  static std::size_t place(std::uint32_t opcode) {
    return std::min<std::size_t>(opcode, kOpcodes - 1);
  }

  LatencyHistogram latencies_[kOpcodes];
  CallerCount callers_[kCallers];
  alignas(4096) LoneCount errors_[kOpcodes][kErrnos];
};

// Of a shard of the file cache (vfs/file_cache.h), under its mutex.
struct alignas(64) FileCacheCount {
  LoneCount hits;    // the file's reference was there
  LoneCount misses;  // it was opened by its handle
};

class Measurements {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::size_t kSlots = 65;  // as Statistics::kSlots
  static constexpr std::size_t kShards = 16;

  static constexpr std::size_t bytes() { return sizeof(Layout); }

  // In zeroed memory of bytes(), or in what an earlier process left there.
  explicit Measurements(std::span<std::byte> memory)
      : layout_(*reinterpret_cast<Layout*>(memory.data())) {}

  RequestMeasures& slot(std::size_t index) const { return layout_.slots[index]; }
  std::span<FileCacheCount, kShards> file_cache() const { return layout_.file_cache; }

 private:
  struct Layout {
    std::array<FileCacheCount, kShards> file_cache;
    alignas(4096) RequestMeasures slots[kSlots];
  };
  Layout& layout_;
};

}  // namespace cvfs
