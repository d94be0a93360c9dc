#include "daemon/view_metrics.h"

#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/view_status.h"
#include "journal/measurements.h"
#include "journal/statistics.h"
#include "locks/lock_section.h"
#include "sys/fuse_opcode.h"

namespace cvfs {

namespace {

using nlohmann::json;

// More than that are not counted one by one.
constexpr std::size_t kMostLocksCounted = 100'000;

// "ENOENT"; "other": a number that has no name.
std::string name_of_errno(std::size_t error) {
  const char* name = ::strerrorname_np(static_cast<int>(error));
  return name != nullptr ? name : "other";
}

// The sums of all threads. A row in which nothing was counted is not touched: it would come to be
// memory.
class Operations {
 public:
  explicit Operations(const ServedView& view)
      : statistics_(view.state->section(Section::kStatistics)),
        measurements_(view.state->section(Section::kMeasurements)) {}

  json all() const {
    json operations = json::object();
    const auto counts = statistics_.sum();
    for (std::uint32_t opcode = 0; opcode < counts.size(); ++opcode) {
      if (counts[opcode].answered == 0) continue;
      json operation = latency_of(opcode);
      operation["answered"] = counts[opcode].answered;
      operation["errors"] = errors_of(opcode);
      operations[sys::fuse_opcode_name(opcode)] = std::move(operation);
    }
    return operations;
  }

 private:
  json latency_of(std::uint32_t opcode) const {
    std::uint64_t total_ns = 0;
    std::array<std::uint64_t, LatencyHistogram::kBuckets> buckets{};
    for (std::size_t i = 0; i < Measurements::kSlots; ++i) {
      if (statistics_.slot(i).get(opcode).answered == 0) continue;
      const LatencyHistogram& latency = measurements_.slot(i).latency(opcode);
      total_ns += latency.total_ns.get();
      for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
        buckets[bucket] += latency.buckets[bucket].get();
      }
    }
    return {{"total_ns", total_ns}, {"buckets", buckets}};
  }

  json errors_of(std::uint32_t opcode) const {
    std::map<std::string, std::uint64_t> errors;
    for (std::size_t i = 0; i < Measurements::kSlots; ++i) {
      if (statistics_.slot(i).get(opcode).errors == 0) continue;
      for (std::size_t error = 0; error < RequestMeasures::kErrnos; ++error) {
        const std::uint64_t count = measurements_.slot(i).errors(opcode, error);
        if (count != 0) errors[name_of_errno(error)] += count;
      }
    }
    return errors;
  }

  Statistics statistics_;
  Measurements measurements_;
};

bool is_used(const RequestCounters& counters) {
  for (std::size_t opcode = 0; opcode < RequestCounters::kOpcodes; ++opcode) {
    if (counters.get(opcode).answered != 0) return true;
  }
  return false;
}

// [[TID, REQUESTS], ...]
json callers_of(const ServedView& view) {
  const Statistics statistics(view.state->section(Section::kStatistics));
  const Measurements measurements(view.state->section(Section::kMeasurements));
  std::map<std::uint64_t, std::uint64_t> callers;
  for (std::size_t i = 0; i < Measurements::kSlots; ++i) {
    if (!is_used(statistics.slot(i))) continue;
    for (const CallerCount& caller : measurements.slot(i).callers()) {
      if (caller.requests.get() != 0) callers[caller.tid.get()] += caller.requests.get();
    }
  }
  json all = json::array();
  for (const auto& [tid, requests] : callers) all.push_back({tid, requests});
  return all;
}

json file_cache_of(const ServedView& view) {
  const Measurements measurements(view.state->section(Section::kMeasurements));
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  for (const FileCacheCount& shard : measurements.file_cache()) {
    hits += shard.hits.get();
    misses += shard.misses.get();
  }
  return {{"hits", hits}, {"misses", misses}};
}

json locks_counted(const ServedView& view) {
  const LockSection section(view.state->section(Section::kLocks));
  std::size_t held = 0;
  std::size_t waiting = 0;
  section.for_each_owner([&](const LockOwnerRecord& owner) {
    if (held < kMostLocksCounted) held += section.ranges_of(owner, kMostLocksCounted).size();
  });
  section.for_each_waiter([&](const LockWaiterRecord&) { ++waiting; });
  return {{"held", held}, {"waiting", waiting}};
}

}  // namespace

json metrics_of(const ServedView& view) {
  json metrics = status_of(view);
  metrics["operations"] = Operations(view).all();
  metrics["callers"] = callers_of(view);
  metrics["file_cache"] = file_cache_of(view);
  metrics["lock_counts"] = locks_counted(view);
  return metrics;
}

}  // namespace cvfs
