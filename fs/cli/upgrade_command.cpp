// cvfs upgrade [VIEW...] [--cvfsd PATH] [--json]
#include <filesystem>
#include <memory>

#include "cli/field.h"
#include "cli/subcommand.h"
#include "cli/view_answers.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

struct UpgradeOptions {
  std::vector<std::string> names;
  std::string cvfsd;
  bool json = false;
};

// The view's directory is not ours.
std::string absolute_path_of(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.string();
}

void print_line(const Console& console, const ViewAnswer& answer) {
  if (!answer.reply) {
    console.print_error(answer.reply.error());
    return;
  }
  const Json& reply = *answer.reply;
  console.out << name_of(answer.view) << ": " << text_of(field(reply, {"from"})) << " -> "
              << text_of(field(reply, {"to"})) << ", paused "
              << pause_of(field(reply, {"pause_us"})) << std::endl;
}

Json report_of(const ViewAnswer& answer) {
  Json json = to_json(answer.view);
  if (!answer.reply) {
    json["error"] = to_json(answer.reply.error());
    return json;
  }
  json.update(*answer.reply);
  json.erase("ok");
  return json;
}

// One after the other: they do not all pause at once, and what is wrong with the first is read
// before the last is touched.
int upgrade_all(const std::vector<RunningView>& views, const UpgradeOptions& options,
                const Console& console) {
  const ControlCommand command{ControlVerb::kUpgrade, absolute_path_of(options.cvfsd)};
  ExitCode code = ExitCode::kSuccess;
  Json all = Json::array();
  bool is_any = false;
  for (const RunningView& view : views) {
    const ViewAnswer answer = ask(view, command);
    if (options.names.empty() && is_remnant(answer)) continue;
    is_any = true;
    if (!answer.reply && code == ExitCode::kSuccess) code = answer.reply.error().code;
    if (options.json) {
      all.push_back(report_of(answer));
    } else {
      print_line(console, answer);
    }
  }
  if (options.json) {
    console.out << to_indented_text(all) << std::endl;
  } else if (!is_any) {
    console.out << "no views" << std::endl;
  }
  return exit_code(code);
}

int upgrade(const UpgradeOptions& options, const Console& console) {
  const auto views = views_to_ask(options.names);
  if (views) return upgrade_all(*views, options, console);
  console.print_error(views.error());
  return exit_code(views.error().code);
}

}  // namespace

void add_upgrade_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<UpgradeOptions>();
  CLI::App* command =
      app.add_subcommand("upgrade", "let views go on with another build, while they serve");
  command->add_option("VIEW", options->names,
                      "a mount point, a source (toto:/data) or a number; without: all");
  command->add_option("--cvfsd", options->cvfsd,
                      "the build to go on with; without: the one that is installed");
  command->add_flag("--json", options->json, "an array of objects, one a view");
  command->footer(
      "Containers see a pause and no error. A build that cannot go on is given up, and the view\n"
      "goes on with the one that it has; the others are upgraded all the same.\n"
      "Exit code 0 if all views were upgraded, else the first refusal's.\n\n"
      "Examples:\n"
      "  cvfs upgrade\n"
      "  cvfs upgrade /srv/toto --cvfsd /opt/cvfs/sbin/cvfsd");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return upgrade(*options, console); };
  });
}

}  // namespace cvfs
