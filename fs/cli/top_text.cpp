#include "cli/top_text.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "cli/container_names.h"
#include "cli/field.h"
#include "cli/table.h"
#include "control/printable.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

constexpr std::size_t kMostContainers = 20;

std::string formatted(const char* format, double number) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

std::uint64_t restarts_in(const Json& metrics) {
  return count_at(metrics, {"restarts", "worker"}) + count_at(metrics, {"restarts", "supervisor"});
}

std::string view_name(const ViewRates& view) {
  const Json* target = field(metrics_in(view.answer), {"target"});
  return view.answer.view.is_mounted() || target == nullptr ? name_of(view.answer.view)
                                                            : text_of(target);
}

std::string share_text(double share) {
  return share < 0 ? "-" : formatted("%.0f%%", share * 100);
}

std::vector<std::string> row_of_view(const ViewRates& view) {
  if (!view.answer.reply) {
    const std::string state = view.answer.is_dead ? "dead" : "silent";
    return {state, "-", "-", "-", "-", "-", "-", "-", "-", view_name(view)};
  }
  const Json& metrics = metrics_in(view.answer);
  const auto number = [&](std::initializer_list<const char*> path) {
    return short_number(static_cast<double>(count_at(metrics, path)));
  };
  return {short_number(view.operations),
          short_number(view.errors),
          short_time(view.seconds_p50),
          short_time(view.seconds_p99),
          share_text(view.hit_rate),
          number({"open_files"}),
          number({"lock_counts", "waiting"}),
          short_number(static_cast<double>(restarts_in(metrics))),
          number({"inodes"}),
          view_name(view)};
}

// Its name; else how engines abbreviate its number; else the control group.
std::string container_text(const ContainerRates& rates) {
  constexpr std::size_t kShort = 12;
  if (rates.control_group.empty()) return "(ended)";
  if (rates.container.empty()) return printable(rates.control_group);
  const std::string name = container_name(rates.container);
  return name.empty() ? rates.container.substr(0, kShort) : printable(name);
}

std::string view_name(const TopScreen& screen, std::uint32_t id) {
  for (const ViewRates& view : screen.views) {
    if (view.answer.view.id == id) return view_name(view);
  }
  return "-";
}

std::vector<std::string> lines_of(const std::vector<std::vector<std::string>>& rows) {
  std::ostringstream text;
  print_table(text, rows);
  std::istringstream in(text.str());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void add_refusal(std::vector<std::string>& lines, const OperatorError& error) {
  std::istringstream in("cvfs: " + error.message());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
}

Json json_of_view(const ViewRates& view) {
  Json json = to_json(view.answer.view);
  if (!view.answer.reply) {
    json["error"] = to_json(view.answer.reply.error());
    return json;
  }
  const Json& metrics = metrics_in(view.answer);
  json["target"] = view_name(view);
  json["operations_per_second"] = view.operations;
  json["errors_per_second"] = view.errors;
  json["p50_us"] = view.seconds_p50 * 1e6;
  json["p99_us"] = view.seconds_p99 * 1e6;
  json["file_cache_hit_rate"] = view.hit_rate < 0 ? Json() : Json(view.hit_rate);
  json["open_files"] = count_at(metrics, {"open_files"});
  json["inodes"] = count_at(metrics, {"inodes"});
  json["locks"] = {{"held", count_at(metrics, {"lock_counts", "held"})},
                   {"waiting", count_at(metrics, {"lock_counts", "waiting"})}};
  json["restarts"] = restarts_in(metrics);
  return json;
}

}  // namespace

std::string short_number(double number) {
  if (number < 9.95 && number > 0 && std::floor(number) != number) return formatted("%.1f", number);
  if (number < 9999.5) return formatted("%.0f", number);
  if (number < 999'500) return formatted("%.0fk", number / 1e3);
  return formatted("%.1fM", number / 1e6);
}

std::string short_time(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 0.9995e-3) return formatted("%.0f us", seconds * 1e6);
  if (seconds < 0.9995) return formatted("%.1f ms", seconds * 1e3);
  return formatted("%.1f s", seconds);
}

std::vector<std::string> top_lines(const TopScreen& screen) {
  std::vector<std::vector<std::string>> rows = {
      {"OPS/S", "ERR/S", "P50", "P99", "HITS", "FILES", "WAIT", "DIED", "INODES", "VIEW"}};
  for (const ViewRates& view : screen.views) rows.push_back(row_of_view(view));
  std::vector<std::string> lines = lines_of(rows);
  for (const ViewRates& view : screen.views) {
    if (!view.answer.reply) add_refusal(lines, view.answer.reply.error());
  }
  if (screen.containers.empty()) return lines;
  rows = {{"OPS/S", "CONTAINER", "VIEW"}};
  for (const ContainerRates& container : screen.containers) {
    if (rows.size() > kMostContainers) break;
    rows.push_back({short_number(container.operations), container_text(container),
                    view_name(screen, container.view)});
  }
  lines.emplace_back();
  for (std::string& line : lines_of(rows)) lines.push_back(std::move(line));
  return lines;
}

Json top_json(const TopScreen& screen) {
  Json views = Json::array();
  for (const ViewRates& view : screen.views) views.push_back(json_of_view(view));
  Json containers = Json::array();
  for (const ContainerRates& rates : screen.containers) {
    containers.push_back({{"view", rates.view},
                          {"container", rates.container},
                          {"name", container_text(rates)},
                          {"cgroup", rates.control_group},
                          {"operations_per_second", rates.operations}});
  }
  return {{"at", std::time(nullptr)},
          {"seconds", screen.seconds},
          {"views", std::move(views)},
          {"containers", std::move(containers)}};
}

}  // namespace cvfs
