// The command line of `cvfs`: its words, options and help, in one table from which the parser, the
// completions and the manual pages are made. One thread.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "cli/subcommand.h"

namespace cvfs {

// `chosen` is set while it parses, and outlives it.
std::unique_ptr<CLI::App> make_command_app(const std::string& version, Action& chosen);

// The commands below `app`, in the order of the help.
std::vector<const CLI::App*> commands_of(const CLI::App& app);

// What is wrong with a command line that `app` has refused, and the nearest that is known.
OperatorError usage_error(const CLI::App& app, int argc, const char* const* argv,
                          const std::string& what);

}  // namespace cvfs
