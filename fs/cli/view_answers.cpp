#include "cli/view_answers.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "control/control_client.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

constexpr int kStatusSeconds = 5;
constexpr int kUpgradeSeconds = 60;
constexpr const char* kLogs = "journalctl -t cvfsd";

int timeout_seconds(ControlVerb verb) {
  return verb == ControlVerb::kUpgrade ? kUpgradeSeconds : kStatusSeconds;
}

// A view that could make no socket (/run was full) or lost it serves on all the same.
bool has_no_socket(const RunningView& view, Errno error) {
  return error.value == ENOENT && view.is_mounted();
}

bool is_nobody(const RunningView& view, Errno error) {
  return error.value == ECONNREFUSED || (error.value == ENOENT && !has_no_socket(view, error));
}

OperatorError gone(const RunningView& view) {
  const std::string name = name_of(view);
  return {ExitCode::kMountFailed, name, "its processes are gone",
          view.is_mounted() ? "umount " + name + ", and mount it again"
                            : "rm " + control_socket_of(view.id)};
}

OperatorError why_silent(const RunningView& view, ControlVerb verb, Errno error) {
  if (is_nobody(view, error)) return gone(view);
  OperatorError silent{ExitCode::kMountFailed, name_of(view), "", kLogs};
  if (has_no_socket(view, error)) {
    silent.what = "has no control socket; whether it is served, nobody says";
  } else if (error.value == ETIMEDOUT) {
    silent.what = "gives no answer within " + std::to_string(timeout_seconds(verb)) + " s";
  } else if (error.value == ECONNRESET) {
    silent.what = "closed the connection without an answer";
  } else {
    silent.code = ExitCode::kSystem;
    silent.what = "cannot be asked: " + std::string(std::strerror(error.value));
  }
  return silent;
}

// What it answered, said of which view.
Outcome<Json> reply_of(const RunningView& view, const std::string& line) {
  Outcome<Json> reply = parse_reply(line);
  if (reply) return reply;
  OperatorError error = std::move(reply.error());
  const std::string name = name_of(view);
  const bool names_it = error.object.empty() || error.object == name;
  error.object = names_it ? name : name + ": " + error.object;
  return refuse(std::move(error));
}

Result<std::string> ask_line(const RunningView& view, const ControlCommand& command) {
  const std::string socket = control_socket_of(view.id);
  const int timeout_ms = timeout_seconds(command.verb) * 1000;
  auto line = ask_view(socket, to_line(command), timeout_ms);
  // A process of the view that died over it: another has taken its place. Only what changes nothing
  // is said twice.
  const bool is_cut = !line && line.error().value == ECONNRESET;
  if (is_cut && command.verb != ControlVerb::kUpgrade) {
    line = ask_view(socket, to_line(command), timeout_ms);
  }
  return line;
}

Outcome<void> check_caller() {
  if (::geteuid() == 0) return {};
  return refuse(OperatorError{ExitCode::kUsage, "", "only root may ask a view", "sudo cvfs ..."});
}

}  // namespace

ExitCode end_with(const std::vector<ViewAnswer>& answers, const Console& console, bool is_json) {
  ExitCode code = ExitCode::kSuccess;
  for (const ViewAnswer& answer : answers) {
    if (answer.reply) continue;
    if (!is_json) console.print_error(answer.reply.error());
    code = answer.reply.error().code;
  }
  return code;
}

Outcome<std::vector<RunningView>> views_to_ask(const std::vector<std::string>& names) {
  TRY(check_caller());
  const std::vector<RunningView> all = TRY(find_running_views());
  if (names.empty()) return all;
  std::vector<RunningView> chosen;
  for (const std::string& name : names) {
    for (RunningView& view : TRY(views_named(name, all))) {
      const bool is_new = std::ranges::find(chosen, view.id, &RunningView::id) == chosen.end();
      if (is_new) chosen.push_back(std::move(view));
    }
  }
  return chosen;
}

ViewAnswer ask(const RunningView& view, const ControlCommand& command) {
  const auto line = ask_line(view, command);
  if (line) return {view, reply_of(view, *line)};
  return {view, refuse(why_silent(view, command.verb, line.error())),
          is_nobody(view, line.error())};
}

Json to_json(const RunningView& view) {
  Json json = {{"id", view.id}};
  if (view.is_mounted()) {
    json["source"] = view.source;
    json["target"] = view.targets.front();
  }
  return json;
}

}  // namespace cvfs
