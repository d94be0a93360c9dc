// cvfs status [VIEW...] [--json]
#include <memory>

#include "cli/status_text.h"
#include "cli/subcommand.h"
#include "cli/view_answers.h"

namespace cvfs {
namespace {

struct StatusOptions {
  std::vector<std::string> names;
  bool json = false;
};

std::vector<ViewAnswer> ask_all(const std::vector<RunningView>& views, bool are_named) {
  std::vector<ViewAnswer> answers;
  for (const RunningView& view : views) {
    ViewAnswer answer = ask(view, ControlCommand{ControlVerb::kStatus, ""});
    if (are_named || !is_remnant(answer)) answers.push_back(std::move(answer));
  }
  return answers;
}

Json json_of(const ViewAnswer& answer) {
  Json json = to_json(answer.view);
  if (!answer.reply) {
    json["error"] = to_json(answer.reply.error());
    return json;
  }
  const auto view = answer.reply->find("view");
  if (view != answer.reply->end() && view->is_object()) json.update(*view);
  return json;
}

void print_json(const Console& console, const std::vector<ViewAnswer>& answers) {
  Json all = Json::array();
  for (const ViewAnswer& answer : answers) all.push_back(json_of(answer));
  console.out << to_indented_text(all) << std::endl;
}

void print_text(const Console& console, const std::vector<ViewAnswer>& answers, bool are_named) {
  if (answers.empty()) {
    console.out << "no views" << std::endl;
    return;
  }
  if (!are_named) print_status_table(console.out, answers);
  bool is_first = true;
  for (const ViewAnswer& answer : answers) {
    if (!answer.reply) {
      console.print_error(answer.reply.error());
    } else if (are_named) {
      if (!is_first) console.out << '\n';
      print_status_block(console.out, answer);
      is_first = false;
    }
  }
  console.out << std::flush;
}

int status(const StatusOptions& options, const Console& console) {
  const auto views = views_to_ask(options.names);
  if (!views) {
    console.print_error(views.error());
    return exit_code(views.error().code);
  }
  const bool are_named = !options.names.empty();
  const std::vector<ViewAnswer> answers = ask_all(*views, are_named);
  if (options.json) {
    print_json(console, answers);
  } else {
    print_text(console, answers, are_named);
  }
  for (const ViewAnswer& answer : answers) {
    if (!answer.reply) return exit_code(answer.reply.error().code);
  }
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_status_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = app.add_subcommand("status", "what the views do, and what befell them");
  command->add_option(
      "VIEW", options->names,
      "a mount point, a source (toto:/data) or a number; without: all, a line each");
  command->add_flag("--json", options->json, "an array of objects, one a view");
  command->footer(
      "STATE: serves; no worker: between two of them; dead: the view's processes are gone;\n"
      "no answer: they are there and say nothing.\n"
      "Exit code 32 if a view is dead or gives no answer.\n\n"
      "Examples:\n"
      "  cvfs status\n"
      "  cvfs status /srv/toto\n"
      "  cvfs status --json | jq '.[] | select(.restarts.worker > 0) | .target'");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return status(*options, console); };
  });
}

}  // namespace cvfs
