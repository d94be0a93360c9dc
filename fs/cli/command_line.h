// The operator's command: reads the command line, and does what its subcommand does. One thread.
#pragma once

#include <string>

#include "cli/console.h"

namespace cvfs {

// Returns the exit code: mount(8)'s, as in base/operator_error.h.
int run_cvfs(int argc, const char* const* argv, const std::string& version, const Console& console);

}  // namespace cvfs
