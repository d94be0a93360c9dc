#include "daemon/live_settings.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/log.h"
#include "control/edit_distance.h"
#include "control/printable.h"
#include "control/view_option_help.h"
#include "daemon/view_cache.h"

namespace cvfs {

namespace {

constexpr double kUsInSecond = 1e6;

using Settings = ViewState::Settings;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

tl::unexpected<OperatorError> refuse_setting(const std::string& what, const std::string& why,
                                             const std::string& hint) {
  return refuse(OperatorError{ExitCode::kUsage, printable(what), why, hint});
}

Outcome<void> set_log(const ServedView& view, const ViewOptions& wanted) {
  view.memory().settings.log = static_cast<std::uint32_t>(wanted.log_level) + 1;
  return {};
}

Outcome<void> set_debug(const ServedView& view, const ViewOptions& wanted) {
  view.memory().settings.debug = static_cast<std::uint32_t>(wanted.debug) + 1;
  return {};
}

Outcome<void> set_hang(const ServedView& view, const ViewOptions& wanted) {
  view.memory().settings.hang = wanted.hang_seconds + 1;
  return {};
}

// `auto`, and `notify` of a view that has a watch, are what it was mounted with.
Outcome<void> set_cache(const ServedView& view, const ViewOptions& wanted) {
  Settings& settings = view.memory().settings;
  if (view.plan.owner == OwnerPolicy::kCaller && wanted.cache.mode != CacheMode::kNone) {
    return refuse_setting("cache", "is always none with owner=caller",
                          "another view, with owner=map or owner=virtual");
  }
  if (wanted.cache.mode == CacheMode::kNotify && !view.watch) {
    return refuse_setting("cache=notify", "this view was mounted without a watch on its filesystem",
                          "umount it, and mount it with cache=notify");
  }
  const bool is_timed =
      wanted.cache.mode == CacheMode::kTtl || wanted.cache.mode == CacheMode::kNone;
  settings.ttl_us = static_cast<std::uint64_t>(wanted.cache.ttl_seconds * kUsInSecond);
  settings.cache = is_timed ? 1 : 0;
  return {};
}

std::string log_text(const ServedView& view) {
  return name_of(log_level_of(view));
}

std::string debug_text(const ServedView& view) {
  return traces_requests(view) ? "ops" : "off";
}

std::string hang_text(const ServedView& view) {
  return std::to_string(hang_limit_of(view).count());
}

std::string cache_now(const ServedView& view) {
  const auto ttl = set_ttl_of(view);
  return cache_text(ttl ? CacheOption{CacheMode::kTtl, *ttl} : view.plan.options.cache);
}

struct LiveSetting {
  std::string_view name;
  Outcome<void> (*set)(const ServedView& view, const ViewOptions& wanted);
  std::string (*text)(const ServedView& view);
};

constexpr auto kSettings = std::to_array<LiveSetting>({
    {"log", set_log, log_text},
    {"debug", set_debug, debug_text},
    {"cache", set_cache, cache_now},
    {"hang", set_hang, hang_text},
});

bool is_option(const std::string& name) {
  return std::ranges::any_of(view_option_help(),
                             [&](const ViewOptionHelp& option) { return option.name == name; });
}

Outcome<const LiveSetting*> find_setting(const std::string& name) {
  std::string known;
  std::string_view nearest;
  std::size_t best = largest_slip(name) + 1;
  for (const LiveSetting& setting : kSettings) {
    if (setting.name == name) return &setting;
    known.append(known.empty() ? "" : ", ").append(setting.name);
    const std::size_t distance = edit_distance(name, setting.name);
    if (distance < best) nearest = setting.name;
    best = std::min(best, distance);
  }
  if (is_option(name)) {
    return refuse_setting(name, "cannot be changed while the view is mounted",
                          "umount it, and mount it with that; of a view that serves: " + known);
  }
  return refuse_setting(name, "no such setting", nearest.empty() ? known : std::string(nearest));
}

}  // namespace

LogLevel log_level_of(const ServedView& view) {
  const std::uint32_t set = view.memory().settings.log;
  return set == 0 ? view.plan.options.log_level : static_cast<LogLevel>(set - 1);
}

bool traces_requests(const ServedView& view) {
  const std::uint32_t set = view.memory().settings.debug;
  return (set == 0 ? view.plan.options.debug : static_cast<DebugOption>(set - 1)) ==
         DebugOption::kOperations;
}

std::chrono::seconds hang_limit_of(const ServedView& view) {
  const std::uint32_t set = view.memory().settings.hang;
  return std::chrono::seconds(set == 0 ? view.plan.options.hang_seconds : set - 1);
}

std::optional<double> set_ttl_of(const ServedView& view) {
  const Settings& settings = view.memory().settings;
  if (settings.cache == 0) return {};
  return static_cast<double>(settings.ttl_us) / kUsInSecond;
}

std::string shown_cache_of(const ServedView& view) {
  const std::string now = cache_now(view);
  const std::string mounted = cache_text(view.plan.options.cache);
  return now == mounted ? now : now + " (mounted with " + mounted + ")";
}

void set_log_level(LogLevel level) {
  spdlog::set_level(to_spdlog(level));
}

void apply_log_level(const ServedView& view) {
  set_log_level(log_level_of(view));
}

Outcome<nlohmann::json> change_setting(const ServedView& view, const std::string& name,
                                       const std::string& value) {
  const LiveSetting* setting = TRY(find_setting(name));
  // A comma would begin another option.
  if (value.find(',') != std::string::npos) {
    return refuse_setting(name + '=' + value, "one value at a time", "without a comma");
  }
  const std::string before = setting->text(view);
  TRY(setting->set(view, TRY(parse_view_options(name + '=' + value))));
  const std::string now = setting->text(view);
  spdlog::info("{} is {} from now on; it was {}", name, now, before);
  apply_log_level(view);
  ::eventfd_write(view.worker_bell.get(), 1);
  return nlohmann::json{{"name", name}, {"was", before}, {"is", now}};
}

}  // namespace cvfs
