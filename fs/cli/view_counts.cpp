#include "cli/view_counts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/field.h"

namespace cvfs {
namespace {

constexpr std::size_t kMostBuckets = 64;

std::uint64_t count_of(const Json& value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number_of(&value).value_or(0), 0));
}

const Json& part(const Json& object, const char* name) {
  static const Json nothing = Json::object();
  const Json* found = field(object, {name});
  return found != nullptr ? *found : nothing;
}

OperationCounts operation_in(const Json& object) {
  OperationCounts counts;
  counts.answered = count_at(object, {"answered"});
  counts.seconds = static_cast<double>(count_at(object, {"total_ns"})) / 1e9;
  const Json& buckets = part(object, "buckets");
  if (buckets.is_array() && buckets.size() <= kMostBuckets) {
    for (const Json& bucket : buckets) counts.buckets.push_back(count_of(bucket));
  }
  const Json& errors = part(object, "errors");
  if (!errors.is_object()) return counts;
  for (const auto& [name, count] : errors.items()) {
    counts.errors[name] = count_of(count);
    counts.failed += count_of(count);
  }
  return counts;
}

std::uint64_t added(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now;
}

void add(OperationCounts& sum, const OperationCounts& now, const OperationCounts& before) {
  sum.answered += added(now.answered, before.answered);
  sum.failed += added(now.failed, before.failed);
  sum.seconds += now.seconds >= before.seconds ? now.seconds - before.seconds : now.seconds;
  sum.buckets.resize(std::max(sum.buckets.size(), now.buckets.size()));
  for (std::size_t i = 0; i < now.buckets.size(); ++i) {
    sum.buckets[i] += added(now.buckets[i], i < before.buckets.size() ? before.buckets[i] : 0);
  }
}

}  // namespace

double bucket_limit_seconds(std::size_t bucket) {
  return std::ldexp(1e-6, static_cast<int>(bucket));
}

std::uint64_t count_at(const Json& object, std::initializer_list<const char*> path) {
  const Json* found = field(object, path);
  return found != nullptr ? count_of(*found) : 0;
}

const Json& metrics_in(const ViewAnswer& answer) {
  static const Json nothing = Json::object();
  if (!answer.reply) return nothing;
  const Json* metrics = field(*answer.reply, {"metrics"});
  return metrics != nullptr && metrics->is_object() ? *metrics : nothing;
}

ViewCounts counts_in(const Json& metrics) {
  ViewCounts counts;
  const Json& operations = part(metrics, "operations");
  if (operations.is_object()) {
    for (const auto& [name, object] : operations.items()) {
      counts.operations[name] = operation_in(object);
    }
  }
  const Json& callers = part(metrics, "callers");
  for (const Json& caller : callers.is_array() ? callers : Json::array()) {
    if (caller.is_array() && caller.size() == 2) {
      counts.callers[count_of(caller[0])] = count_of(caller[1]);
    }
  }
  counts.cache_hits = count_at(metrics, {"file_cache", "hits"});
  counts.cache_misses = count_at(metrics, {"file_cache", "misses"});
  return counts;
}

OperationCounts all_operations(const ViewCounts& now, const ViewCounts& before) {
  OperationCounts sum;
  for (const auto& [name, counts] : now.operations) {
    const auto earlier = before.operations.find(name);
    add(sum, counts, earlier == before.operations.end() ? OperationCounts() : earlier->second);
  }
  return sum;
}

double latency_at(const std::vector<std::uint64_t>& buckets, double share) {
  const auto total =
      static_cast<double>(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}));
  double before = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && before + here >= total * share) {
      // Evenly spread between the limits, as Prometheus' histogram_quantile() has it.
      const double low = i == 0 ? 0 : bucket_limit_seconds(i - 1);
      const double high = bucket_limit_seconds(i);
      return low + (high - low) * (total * share - before) / here;
    }
    before += here;
  }
  return 0;
}

}  // namespace cvfs
