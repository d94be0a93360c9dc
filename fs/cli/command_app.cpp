#include "cli/command_app.h"

#include <CLI/CLI.hpp>  // App.hpp alone does not define what an App needs

namespace cvfs {
namespace {

constexpr const char* kExitCodes =
    "Exit codes, as mount(8)'s:\n"
    "   0  done\n"
    "   1  the invocation is wrong, or not root's\n"
    "   2  the system: no /proc, no memory; a build cannot take a view over\n"
    "   4  a defect: a view's answer makes no sense; please report it\n"
    "  32  no such view, tenant or file; a view is dead or gives no answer; doctor found "
    "something\n"
    "\n"
    "cvfs COMMAND --help says more.";

}  // namespace

std::unique_ptr<CLI::App> make_command_app(const std::string& version, Action& chosen) {
  auto app = std::make_unique<CLI::App>(
      "Looks after the tenants and views of cvfs on this machine.", "cvfs");
  app->set_version_flag("-V,--version", "cvfs " + version);
  app->require_subcommand(0, 1);
  app->footer(kExitCodes);
  add_status_command(*app, chosen);
  add_locks_command(*app, chosen);
  add_top_command(*app, chosen);
  add_metrics_command(*app, chosen);
  add_set_command(*app, chosen);
  add_upgrade_command(*app, chosen);
  add_tenant_command(*app, chosen);
  add_explain_command(*app, chosen);
  add_doctor_command(*app, version, chosen);
  add_completion_command(*app, chosen);
  add_manual_command(*app, version, chosen);
  return app;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

}  // namespace cvfs
