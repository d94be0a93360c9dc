// Subcommand: one word after `cvfs`. Each is a file that adds its word, options and help to the
// command line; a later one is another such function and its line in command_line.cpp. One thread.
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "cli/console.h"

namespace cvfs {

// What the command line asks for: returns the exit code.
using Action = std::function<int(const Console& console)>;

// Each adds itself to `app`; `chosen` is set when the word is there.
void add_status_command(CLI::App& app, Action& chosen);
void add_upgrade_command(CLI::App& app, Action& chosen);
void add_locks_command(CLI::App& app, Action& chosen);
void add_metrics_command(CLI::App& app, Action& chosen);
void add_top_command(CLI::App& app, Action& chosen);
void add_set_command(CLI::App& app, Action& chosen);
void add_tenant_command(CLI::App& app, Action& chosen);
void add_explain_command(CLI::App& app, Action& chosen);
void add_doctor_command(CLI::App& app, const std::string& version, Action& chosen);
// These read what the others have added: they come last.
void add_completion_command(CLI::App& app, Action& chosen);
void add_manual_command(CLI::App& app, const std::string& version, Action& chosen);

// Below `cvfs tenant`.
void add_tenant_add_command(CLI::App& tenant, Action& chosen);
void add_tenant_list_command(CLI::App& tenant, Action& chosen);
void add_tenant_show_command(CLI::App& tenant, Action& chosen);
void add_tenant_remove_command(CLI::App& tenant, Action& chosen);

}  // namespace cvfs
