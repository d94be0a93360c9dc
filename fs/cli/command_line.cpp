#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include "cli/subcommand.h"
#include "control/edit_distance.h"
#include "control/printable.h"

namespace cvfs {
namespace {

constexpr const char* kExitCodes =
    "Exit codes, as mount(8)'s:\n"
    "   0  done\n"
    "   1  the invocation is wrong, or not root's\n"
    "   2  the system: no /proc, no memory; a build cannot take a view over\n"
    "   4  a defect: a view's answer makes no sense; please report it\n"
    "  32  no such view; one is dead or gives no answer\n\n"
    "cvfs COMMAND --help says more.";

constexpr const char* kHelp = "cvfs --help";

std::string nearest_command(const CLI::App& app, const std::string& typed) {
  std::size_t best = largest_slip(typed) + 1;
  std::string nearest = kHelp;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::size_t distance = edit_distance(typed, command->get_name());
    if (distance >= best) continue;
    best = distance;
    nearest = "cvfs " + command->get_name();
  }
  return nearest;
}

// CLI11 only says that arguments are left over.
bool is_wrong_command(const CLI::App& app, int argc, const char* const* argv) {
  return app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
}

OperatorError usage_error(const CLI::App& app, int argc, const char* const* argv,
                          const std::string& what) {
  if (is_wrong_command(app, argc, argv)) {
    return {ExitCode::kUsage, printable(argv[1]), "no such command", nearest_command(app, argv[1])};
  }
  const auto given = app.get_subcommands();
  const std::string hint = given.empty() ? kHelp : "cvfs " + given.front()->get_name() + " --help";
  return {ExitCode::kUsage, "", printable(what), hint};
}

int refuse_usage(const Console& console, const OperatorError& error) {
  console.print_error(error);
  return exit_code(error.code);
}

}  // namespace

int run_cvfs(int argc, const char* const* argv, const std::string& version,
             const Console& console) {
  Action chosen;
  CLI::App app("Looks after the views of cvfs that are mounted on this machine.", "cvfs");
  app.set_version_flag("-V,--version", "cvfs " + version);
  app.require_subcommand(0, 1);
  app.footer(kExitCodes);
  add_status_command(app, chosen);
  add_upgrade_command(app, chosen);
  add_locks_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    console.out << app.help() << std::flush;
    return exit_code(ExitCode::kSuccess);
  } catch (const CLI::CallForVersion& answer) {
    console.out << answer.what() << std::endl;
    return exit_code(ExitCode::kSuccess);
  } catch (const CLI::ParseError& error) {
    return refuse_usage(console, usage_error(app, argc, argv, error.what()));
  }
  if (!chosen) return refuse_usage(console, {ExitCode::kUsage, "", "which command?", kHelp});
  return chosen(console);
}

}  // namespace cvfs
