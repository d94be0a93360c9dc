// cvfs set VIEW NAME VALUE [--json]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>

#include "cli/field.h"
#include "cli/subcommand.h"
#include "cli/view_answers.h"
#include "control/printable.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

struct SetOptions {
  std::string view;
  std::string name;
  std::string value;
  bool json = false;
};

// What the mount option is called is what the view knows.
std::string option_name(const std::string& name) {
  return name == "log-level" ? "log" : name;
}

Json json_of_change(const ViewAnswer& answer) {
  Json json = to_json(answer.view);
  if (answer.reply) {
    json.update(*answer.reply);
    json.erase("ok");
  } else {
    json["error"] = to_json(answer.reply.error());
  }
  return json;
}

int set(const SetOptions& options, const Console& console) {
  const auto views = views_to_ask({options.view});
  if (!views) {
    console.print_error(views.error());
    return exit_code(views.error().code);
  }
  ExitCode code = ExitCode::kSuccess;
  Json all = Json::array();
  for (const RunningView& view : *views) {
    ControlCommand command{ControlVerb::kSet, ""};
    command.name = option_name(options.name);
    command.value = options.value;
    const ViewAnswer answer = ask(view, command);
    if (!answer.reply && code == ExitCode::kSuccess) code = answer.reply.error().code;
    if (options.json) {
      all.push_back(json_of_change(answer));
    } else if (answer.reply) {
      console.out << name_of(view) << ": " << text_of(field(*answer.reply, {"name"})) << " "
                  << text_of(field(*answer.reply, {"was"})) << " -> "
                  << text_of(field(*answer.reply, {"is"})) << std::endl;
    } else {
      console.print_error(answer.reply.error());
    }
  }
  if (options.json) console.out << to_indented_text(all) << std::endl;
  return exit_code(code);
}

}  // namespace

void add_set_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<SetOptions>();
  CLI::App* command = app.add_subcommand("set", "change a setting of a view while it serves");
  command->add_option("VIEW", options->view, "a mount point, a source (toto:/data) or a number")
      ->required();
  command->add_option("SETTING", options->name, "log (or log-level), debug, cache or hang")
      ->required();
  command->add_option("VALUE", options->value, "as of the mount option of that name")->required();
  command->add_flag("--json", options->json, "an array of objects, one a view");
  command->footer(
      "  log    error, warning, info or debug\n"
      "  debug  ops: each request is logged with its ids before and after translation; off\n"
      "  cache  none or ttl:SECONDS; auto: as the view was mounted. What the kernel has believed\n"
      "         so far it asks for again, if it is to believe less\n"
      "  hang   seconds\n"
      "It holds until the view is unmounted, over deaths and upgrades; fstab has what holds "
      "then.\n\n"
      "Examples:\n"
      "  cvfs set /srv/toto log debug\n"
      "  cvfs set /srv/toto debug ops; journalctl -f -t cvfsd; cvfs set /srv/toto debug off\n"
      "  cvfs set toto cache ttl:0.5");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return set(*options, console); };
  });
}

}  // namespace cvfs
