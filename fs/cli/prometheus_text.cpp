#include "cli/prometheus_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <sstream>

#include "cli/field.h"
#include "cli/view_counts.h"
#include "control/printable.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Path = std::initializer_list<const char*>;

// The limits that are shown: from 4 us to 2 s, or each kind of request of each view would be more
// series than anybody looks at.
constexpr std::size_t kFirstBucket = 2;
constexpr std::size_t kLastBucket = 21;

class Exposition {
 public:
  void add(const std::string& name, const std::string& help, MetricType type, ClientMetric metric) {
    const auto [known, is_new] = places_.try_emplace(name, families_.size());
    if (is_new) families_.push_back({name, help, type, {}});
    families_[known->second].metric.push_back(std::move(metric));
  }
  void count(const std::string& name, const std::string& help, const Labels& labels,
             std::uint64_t value) {
    ClientMetric metric;
    metric.label = labels;
    metric.counter.value = static_cast<double>(value);
    add(name, help, MetricType::Counter, std::move(metric));
  }
  void gauge(const std::string& name, const std::string& help, const Labels& labels, double value) {
    ClientMetric metric;
    metric.label = labels;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
  std::map<std::string, std::size_t> places_;
};

Labels with(Labels labels, const std::string& name, const std::string& value) {
  labels.push_back({name, value});
  return labels;
}

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

ClientMetric histogram_of(const Labels& labels, const OperationCounts& counts) {
  ClientMetric metric;
  metric.label = labels;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    sum += counts.buckets[i];
    if (i < kFirstBucket || i > kLastBucket) continue;
    metric.histogram.bucket.push_back({sum, bucket_limit_seconds(i)});
  }
  metric.histogram.bucket.push_back({sum, std::numeric_limits<double>::infinity()});
  metric.histogram.sample_count = sum;
  metric.histogram.sample_sum = counts.seconds;
  return metric;
}

void add_operations(Exposition& all, const Labels& labels, const ViewCounts& counts) {
  for (const auto& [name, operation] : counts.operations) {
    const Labels of_kind = with(labels, "operation", in_lower_case(printable(name)));
    all.count("cvfs_operations_total", "Requests of the kernel that were answered, by kind.",
              of_kind, operation.answered);
    for (const auto& [error, failed] : operation.errors) {
      all.count("cvfs_operation_errors_total",
                "Requests that were answered with an error, by kind and errno.",
                with(of_kind, "errno", printable(error)), failed);
    }
    // A FORGET or an INTERRUPT is counted, and not timed.
    if (operation.seconds > 0) {
      all.add("cvfs_operation_seconds",
              "From a request's receipt to its answer, by kind; of a lock that waits, to the wait.",
              MetricType::Histogram, histogram_of(of_kind, operation));
    }
  }
}

struct Counted {
  const char* name;
  const char* help;
  std::vector<const char*> path;
};

const Json* at(const Json& metrics, const std::vector<const char*>& path) {
  const Json* found = &metrics;
  for (const char* name : path) {
    found = field(*found, {name});
    if (found == nullptr) return nullptr;
  }
  return found;
}

const std::vector<Counted>& counters() {
  static const std::vector<Counted> all = {
      {"cvfs_resent_requests_total",
       "Requests that the kernel sent again to another worker.",
       {"requests", "resent"}},
      {"cvfs_file_cache_hits_total", "Files that were found open.", {"file_cache", "hits"}},
      {"cvfs_file_cache_misses_total",
       "Files that had to be opened by their handle.",
       {"file_cache", "misses"}},
      {"cvfs_watch_events_total",
       "Changes by others that the backing filesystem told.",
       {"watch", "events"}},
      {"cvfs_invalidations_total",
       "Inodes and names that the kernel was told to ask for again.",
       {"watch", "invalidations"}},
      {"cvfs_watch_overflows_total",
       "Times that more happened than the kernel had kept.",
       {"watch", "overflows"}},
      {"cvfs_watch_stalls_total",
       "Times that a directory's names waited for a request.",
       {"watch", "stalls"}},
      {"cvfs_hangs_total", "Workers that hung and were replaced.", {"restarts", "hung"}},
      {"cvfs_upgrades_total", "Upgrades of the view.", {"restarts", "upgrades"}}};
  return all;
}

const std::vector<Counted>& gauges() {
  static const std::vector<Counted> all = {
      {"cvfs_inodes", "Inodes that the kernel knows.", {"inodes"}},
      {"cvfs_open_files", "Files and directories that are open.", {"open_files"}},
      {"cvfs_locks_held", "Ranges of files that are locked.", {"lock_counts", "held"}},
      {"cvfs_lock_waiters", "Requests that wait for a lock.", {"lock_counts", "waiting"}},
      {"cvfs_mounted_timestamp_seconds", "When the view was mounted.", {"since"}}};
  return all;
}

void add_numbers(Exposition& all, const Labels& labels, const Json& metrics) {
  for (const Counted& counter : counters()) {
    const auto value = number_of(at(metrics, counter.path));
    if (value) all.count(counter.name, counter.help, labels, static_cast<std::uint64_t>(*value));
  }
  for (const Counted& gauge : gauges()) {
    const auto value = number_of(at(metrics, gauge.path));
    if (value) all.gauge(gauge.name, gauge.help, labels, static_cast<double>(*value));
  }
  for (const char* process : {"worker", "supervisor", "standby"}) {
    all.count("cvfs_restarts_total", "Processes of the view that died and were replaced.",
              with(labels, "process", process), count_at(metrics, {"restarts", process}));
  }
  all.gauge("cvfs_longest_pause_seconds", "The longest time that nobody served the view.", labels,
            static_cast<double>(count_at(metrics, {"restarts", "longest_pause_us"})) / 1e6);
  const Labels of_build = with(with(labels, "version", text_of(field(metrics, {"version"}))),
                               "cache", text_of(field(metrics, {"cache"})));
  all.gauge("cvfs_info", "1, with what the view is.",
            with(of_build, "owner", text_of(field(metrics, {"owner"}))), 1);
}

// Two views may have one name: in two mount namespaces, or one over the other.
std::string unique_name(const ViewAnswer& answer, std::map<std::string, int>& names) {
  const Json* target = field(metrics_in(answer), {"target"});
  std::string name =
      answer.view.is_mounted() || target == nullptr ? name_of(answer.view) : text_of(target);
  if (names[name]++ > 0) name += " (view " + std::to_string(answer.view.id) + ")";
  return name;
}

std::string shown_source(const ViewAnswer& answer) {
  return answer.view.is_mounted() ? printable(answer.view.source)
                                  : text_of(field(metrics_in(answer), {"source"}));
}

}  // namespace

std::string prometheus_text(const std::vector<ViewAnswer>& answers) {
  Exposition all;
  std::map<std::string, int> names;
  for (const ViewAnswer& answer : answers) {
    const Labels labels = {{"view", unique_name(answer, names)}, {"source", shown_source(answer)}};
    all.gauge("cvfs_up", "1: the view answers; 0: it is dead, or says nothing.", labels,
              answer.reply ? 1 : 0);
    if (!answer.reply) continue;
    const Json& metrics = metrics_in(answer);
    add_operations(all, labels, counts_in(metrics));
    add_numbers(all, labels, metrics);
  }
  return all.text();
}

}  // namespace cvfs
