// ViewCounts: what a view has counted since it was mounted, read from its answer to "metrics". The
// view may be of another build than this cvfs: what is missing or of another type is 0. Values;
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/view_answers.h"

namespace cvfs {

// Of one kind of request.
struct OperationCounts {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  double seconds = 0;  // all together
  // [i]: of those that took less than bucket_limit_seconds(i), and are in none before; the last one
  // has no limit.
  std::vector<std::uint64_t> buckets;
  std::map<std::string, std::uint64_t> errors;  // by errno's name
};

double bucket_limit_seconds(std::size_t bucket);

struct ViewCounts {
  std::map<std::string, OperationCounts> operations;  // "LOOKUP"
  std::map<std::uint64_t, std::uint64_t> callers;     // requests by thread number
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
};

// What it answered to "metrics"; an empty object: nothing.
const Json& metrics_in(const ViewAnswer& answer);

ViewCounts counts_in(const Json& metrics);

// 0 where there is none.
std::uint64_t count_at(const Json& object, std::initializer_list<const char*> path);

// What was added since `before`, over all kinds: of a view that was mounted anew, all.
OperationCounts all_operations(const ViewCounts& now, const ViewCounts& before);

// How long that share of the requests (0.99) took at most, in seconds, by the bucket that it lies
// in; 0: there was none.
double latency_at(const std::vector<std::uint64_t>& buckets, double share);

}  // namespace cvfs
