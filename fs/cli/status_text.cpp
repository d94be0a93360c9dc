#include "cli/status_text.h"

#include <algorithm>

#include "cli/field.h"
#include "cli/table.h"
#include "control/printable.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t kShownEvents = 10;

const Json& view_of(const ViewAnswer& answer) {
  static const Json nothing = Json::object();
  if (!answer.reply) return nothing;
  const Json* view = field(*answer.reply, {"view"});
  return view != nullptr ? *view : nothing;
}

// Where it is mounted is the kernel's to say; the view knows where it was mounted first, which is
// all there is of one in another mount namespace.
std::string target_of(const ViewAnswer& answer) {
  return answer.view.is_mounted() ? name_of(answer.view)
                                  : text_of(field(view_of(answer), {"target"}));
}

std::string source_of(const ViewAnswer& answer) {
  return answer.view.is_mounted() ? printable(answer.view.source)
                                  : text_of(field(view_of(answer), {"source"}));
}

std::string state_of(const ViewAnswer& answer) {
  if (answer.is_dead) return "dead";
  if (!answer.reply) return "no answer";
  const Json* worker = field(view_of(answer), {"processes", "worker"});
  if (worker == nullptr) return "answers";
  return number_of(worker).value_or(0) > 0 ? "serves" : "no worker";
}

std::string without_seconds(const std::string& time) {
  constexpr std::string_view kSeconds = ":00";
  return time.size() <= kSeconds.size() ? time : time.substr(0, time.size() - kSeconds.size());
}

std::string restarts_of(const Json& view) {
  const auto workers = number_of(field(view, {"restarts", "worker"}));
  const auto supervisors = number_of(field(view, {"restarts", "supervisor"}));
  if (!workers && !supervisors) return "-";
  return std::to_string(workers.value_or(0) + supervisors.value_or(0));
}

Row table_row(const ViewAnswer& answer) {
  const Json& view = view_of(answer);
  return {std::to_string(answer.view.id),
          target_of(answer),
          source_of(answer),
          text_of(field(view, {"owner"})),
          text_of(field(view, {"userns"})),
          text_of(field(view, {"version"})),
          without_seconds(time_of(field(view, {"since"}))),
          restarts_of(view),
          pause_of(field(view, {"restarts", "longest_pause_us"})),
          state_of(answer)};
}

std::string processes_of(const Json& view) {
  const auto named = [&](const char* name) {
    return std::string(name) + ' ' + text_of(field(view, {"processes", name}));
  };
  return named("supervisor") + ", " + named("standby") + ", " + named("worker");
}

std::string restarts_by_kind(const Json& view) {
  const auto count = [&](const char* kind) { return text_of(field(view, {"restarts", kind})); };
  return "worker " + count("worker") + ", supervisor " + count("supervisor") + ", hung " +
         count("hung") + ", upgrades " + count("upgrades");
}

std::string requests_of(const Json& view) {
  const auto count = [&](const char* kind) { return text_of(field(view, {"requests", kind})); };
  return count("answered") + " answered, " + count("resent") + " resent, " + count("failed") +
         " failed";
}

// "notify (1200 events, 40 invalidations, 0 overflows)"
std::string cache_of(const Json& view) {
  std::string cache = text_of(field(view, {"cache"}));
  const Json* watch = field(view, {"watch"});
  if (watch == nullptr || watch->is_null()) return cache;
  const auto count = [&](const char* kind) { return text_of(field(*watch, {kind})) + ' ' + kind; };
  return cache + " (" + count("events") + ", " + count("invalidations") + ", " +
         count("overflows") + ", " + count("stalls") + ")";
}

std::vector<Row> block_rows(const ViewAnswer& answer) {
  const Json& view = view_of(answer);
  const auto text = [&](const char* name) { return text_of(field(view, {name})); };
  return {
      {"state", state_of(answer)},
      {"source", source_of(answer)},
      {"owner", text("owner")},
      {"userns", text("userns")},
      {"version", text("version") + " (" + text("build") + ")"},
      {"since", time_of(field(view, {"since"}))},
      {"processes", processes_of(view)},
      {"restarts", restarts_by_kind(view)},
      {"longest pause", pause_of(field(view, {"restarts", "longest_pause_us"}))},
      {"requests", requests_of(view)},
      {"inodes", text("inodes")},
      {"open files", text("open_files")},
      {"passthrough", text("passthrough")},
      {"cache", cache_of(view)},
      {"FUSE", text("fuse")},
  };
}

// The last ones, the newest last; empty: there was none.
std::vector<Row> event_rows(const Json& view) {
  const Json* events = field(view, {"events"});
  if (events == nullptr || !events->is_array()) return {};
  std::vector<Row> rows;
  const std::size_t count = events->size();
  for (std::size_t i = count - std::min(count, kShownEvents); i < count; ++i) {
    const Json& event = (*events)[i];
    rows.push_back({time_of(field(event, {"at"})), text_of(field(event, {"what"})),
                    text_of(field(event, {"why"})), pause_of(field(event, {"pause_us"}))});
  }
  return rows;
}

}  // namespace

void print_status_table(std::ostream& out, const std::vector<ViewAnswer>& answers) {
  std::vector<Row> rows = {{"ID", "TARGET", "SOURCE", "OWNER", "USERNS", "VERSION", "SINCE",
                            "RESTARTS", "PAUSE", "STATE"}};
  for (const ViewAnswer& answer : answers) rows.push_back(table_row(answer));
  print_table(out, rows);
}

void print_status_block(std::ostream& out, const ViewAnswer& answer) {
  out << target_of(answer) << " (view " << answer.view.id << ")\n";
  print_table(out, block_rows(answer), "  ");
  const std::vector<Row> events = event_rows(view_of(answer));
  if (events.empty()) return;
  out << "  last events\n";
  print_table(out, events, "    ");
}

}  // namespace cvfs
