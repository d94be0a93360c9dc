#include "cli/view_rates.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sys/control_group.h"
#include "sys/process.h"

namespace cvfs {
namespace {

// Of a view that was not there before: nothing.
ViewCounts counts_before(const ViewSample& before, std::uint32_t view) {
  for (const ViewAnswer& answer : before.answers) {
    if (answer.view.id == view) return counts_in(metrics_in(answer));
  }
  return {};
}

double seconds_between(const ViewSample& before, const ViewSample& now) {
  return std::max(static_cast<double>(now.at_us - before.at_us) / 1e6, 1e-3);
}

double share_of_hits(const ViewCounts& now, const ViewCounts& before) {
  const auto hits = static_cast<double>(now.cache_hits) - static_cast<double>(before.cache_hits);
  const auto misses =
      static_cast<double>(now.cache_misses) - static_cast<double>(before.cache_misses);
  return hits < 0 || misses < 0 || hits + misses <= 0 ? -1 : hits / (hits + misses);
}

using ViewAndGroup = std::pair<std::uint32_t, std::string>;

void add_callers(std::map<ViewAndGroup, std::uint64_t>& requests, std::uint32_t view,
                 const ViewCounts& now, const ViewCounts& before) {
  for (const auto& [tid, count] : now.callers) {
    const auto earlier = before.callers.find(tid);
    const bool is_known = earlier != before.callers.end() && earlier->second <= count;
    const std::uint64_t added = is_known ? count - earlier->second : count;
    if (added != 0) requests[{view, sys::control_group_of(static_cast<int>(tid))}] += added;
  }
}

}  // namespace

ViewSample sample(const std::vector<RunningView>& views, bool are_named) {
  ViewSample sample;
  for (const RunningView& view : views) {
    ViewAnswer answer = ask(view, ControlCommand{ControlVerb::kMetrics, ""});
    if (are_named || !is_remnant(answer)) sample.answers.push_back(std::move(answer));
  }
  sample.at_us = sys::monotonic_us();
  return sample;
}

std::vector<ViewRates> rates_of_views(const ViewSample& before, const ViewSample& now) {
  const double seconds = seconds_between(before, now);
  std::vector<ViewRates> all;
  all.reserve(now.answers.size());
  for (const ViewAnswer& answer : now.answers) {
    const ViewCounts counts = counts_in(metrics_in(answer));
    const ViewCounts earlier = counts_before(before, answer.view.id);
    const OperationCounts added = all_operations(counts, earlier);
    all.push_back({answer, static_cast<double>(added.answered) / seconds,
                   static_cast<double>(added.failed) / seconds, latency_at(added.buckets, 0.5),
                   latency_at(added.buckets, 0.99), share_of_hits(counts, earlier)});
  }
  return all;
}

std::vector<ContainerRates> rates_of_containers(const ViewSample& before, const ViewSample& now) {
  std::map<ViewAndGroup, std::uint64_t> requests;
  for (const ViewAnswer& answer : now.answers) {
    // Nothing is known of who sent what before the first look.
    const ViewCounts earlier = counts_before(before, answer.view.id);
    add_callers(requests, answer.view.id, counts_in(metrics_in(answer)), earlier);
  }
  std::vector<ContainerRates> all;
  all.reserve(requests.size());
  for (const auto& [of, count] : requests) {
    all.push_back({of.first, sys::container_in(of.second), of.second,
                   static_cast<double>(count) / seconds_between(before, now)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.operations > b.operations; });
  return all;
}

}  // namespace cvfs
