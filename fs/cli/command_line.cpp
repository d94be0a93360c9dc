#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include "cli/command_app.h"

namespace cvfs {
namespace {

int refuse_usage(const Console& console, const OperatorError& error) {
  console.print_error(error);
  return exit_code(error.code);
}

}  // namespace

int run_cvfs(int argc, const char* const* argv, const std::string& version,
             const Console& console) {
  Action chosen;
  const auto app = make_command_app(version, chosen);
  try {
    app->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    console.out << app->help() << std::flush;
    return exit_code(ExitCode::kSuccess);
  } catch (const CLI::CallForVersion& answer) {
    console.out << answer.what() << std::endl;
    return exit_code(ExitCode::kSuccess);
  } catch (const CLI::ParseError& error) {
    return refuse_usage(console, usage_error(*app, argc, argv, error.what()));
  }
  if (!chosen) {
    return refuse_usage(console, {ExitCode::kUsage, "", "which command?", "cvfs --help"});
  }
  return chosen(console);
}

}  // namespace cvfs
