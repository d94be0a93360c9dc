// cvfs: the operator's command.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/command_line.h"

namespace {

// NO_COLOR is what programs agree on; a terminal without a type is a dumb one.
bool wants_colours() {
  const char* none = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (none != nullptr && *none != '\0') return false;
  return ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::string(terminal) != "dumb";
}

}  // namespace

int main(int argc, char** argv) {
  const cvfs::Console console{std::cout, std::cerr, std::cin, wants_colours()};
  try {
    return cvfs::run_cvfs(argc, argv, CVFS_VERSION, console);
  } catch (const std::exception& error) {
    console.print_error({cvfs::ExitCode::kInternal, "", error.what(), "report it"});
    return cvfs::exit_code(cvfs::ExitCode::kInternal);
  }
}
