// cvfs locks [VIEW...] [--json]
#include <map>
#include <memory>

#include "cli/container_names.h"
#include "cli/field.h"
#include "cli/subcommand.h"
#include "cli/table.h"
#include "cli/view_answers.h"
#include "control/printable.h"

namespace cvfs {
namespace {

using Row = std::vector<std::string>;

struct LocksOptions {
  std::vector<std::string> names;
  bool json = false;
};

const Json& locks_of(const ViewAnswer& answer) {
  static const Json none = Json::array();
  if (!answer.reply) return none;
  const Json* locks = field(*answer.reply, {"locks"});
  return locks != nullptr && locks->is_array() ? *locks : none;
}

std::string range_of(const Json& lock) {
  const auto first = number_of(field(lock, {"first"}));
  const auto last = number_of(field(lock, {"last"}));
  if (first.value_or(0) == 0 && !last) return "all";
  return text_of(field(lock, {"first"})) + "-" + (last ? std::to_string(*last) : "end");
}

std::string process_of(const Json& lock) {
  const auto pid = number_of(field(lock, {"pid"}));
  if (pid.value_or(0) <= 0) return "-";
  const auto own = number_of(field(lock, {"container_pid"}));
  const bool is_elsewhere = own.value_or(0) > 0 && own != pid;
  return std::to_string(*pid) + (is_elsewhere ? " (" + std::to_string(*own) + ")" : "");
}

std::string seconds_of(const Json& lock) {
  const auto seconds = number_of(field(lock, {"seconds"}));
  return seconds ? std::to_string(*seconds) + " s" : "-";
}

// Its name; else how engines abbreviate its number; else the control group, of what is in none.
std::string container_of(const Json& lock) {
  const Json* name = field(lock, {"container_name"});
  if (name != nullptr) return text_of(name);
  const Json* id = field(lock, {"container"});
  constexpr std::size_t kShort = 12;
  const std::string number = id != nullptr && id->is_string() ? id->get<std::string>() : "";
  return number.empty() ? text_of(field(lock, {"cgroup"})) : printable(number.substr(0, kShort));
}

// Says what the engine calls the containers. A view does not know: engines may not answer.
Json with_names(Json locks) {
  std::map<std::string, std::string> names;
  for (Json& lock : locks) {
    const Json* id = field(lock, {"container"});
    if (id == nullptr || !id->is_string()) continue;
    const auto number = id->get<std::string>();
    const auto [known, is_new] = names.try_emplace(number);
    if (is_new) known->second = container_name(number);
    if (!known->second.empty()) lock["container_name"] = known->second;
  }
  return locks;
}

Row row_of(const ViewAnswer& answer, const Json& lock) {
  return {std::to_string(answer.view.id),
          text_of(field(lock, {"state"})),
          seconds_of(lock),
          text_of(field(lock, {"kind"})),
          text_of(field(lock, {"type"})),
          range_of(lock),
          text_of(field(lock, {"by"})),
          process_of(lock),
          text_of(field(lock, {"command"})),
          container_of(lock),
          text_of(field(lock, {"file"}))};
}

void print_text(const Console& console, const std::vector<ViewAnswer>& answers) {
  std::vector<Row> rows = {{"VIEW", "STATE", "SINCE", "KIND", "TYPE", "RANGE", "BY", "PID",
                            "COMMAND", "CONTAINER", "FILE"}};
  for (const ViewAnswer& answer : answers) {
    for (const Json& lock : with_names(locks_of(answer))) rows.push_back(row_of(answer, lock));
  }
  if (rows.size() == 1) {
    console.out << "no locks" << std::endl;
    return;
  }
  print_table(console.out, rows);
  console.out << std::flush;
}

void print_locks_json(const Console& console, const std::vector<ViewAnswer>& answers) {
  Json all = Json::array();
  for (const ViewAnswer& answer : answers) {
    Json json = to_json(answer.view);
    if (answer.reply) {
      json["locks"] = with_names(locks_of(answer));
    } else {
      json["error"] = to_json(answer.reply.error());
    }
    all.push_back(std::move(json));
  }
  console.out << to_indented_text(all) << std::endl;
}

int locks(const LocksOptions& options, const Console& console) {
  const auto views = views_to_ask(options.names);
  if (!views) {
    console.print_error(views.error());
    return exit_code(views.error().code);
  }
  std::vector<ViewAnswer> answers;
  for (const RunningView& view : *views) {
    ViewAnswer answer = ask(view, ControlCommand{ControlVerb::kLocks, ""});
    if (!options.names.empty() || !is_remnant(answer)) answers.push_back(std::move(answer));
  }
  if (options.json) {
    print_locks_json(console, answers);
  } else {
    print_text(console, answers);
  }
  return exit_code(end_with(answers, console, options.json));
}

}  // namespace

void add_locks_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<LocksOptions>();
  CLI::App* command = app.add_subcommand("locks", "who holds and who waits for which file locks");
  command->add_option("VIEW", options->names,
                      "a mount point, a source (toto:/data) or a number; without: all");
  command->add_flag("--json", options->json, "an array of objects, one a view");
  command->footer(
      "BY: view: through this view; host: a process of the host, on the tenant's own path.\n"
      "PID: the host's number of the process, and in brackets its container's.\n"
      "CONTAINER: its name, by Docker's or Podman's files; else its number or control group.\n\n"
      "Examples:\n"
      "  cvfs locks /srv/toto\n"
      "  cvfs locks --json | jq '.[].locks[] | select(.state == \"waits\")'");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return locks(*options, console); };
  });
}

}  // namespace cvfs
