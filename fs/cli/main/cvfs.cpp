// cvfs: the operator's command.
#include <iostream>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  const cvfs::Console console{std::cout, std::cerr};
  try {
    return cvfs::run_cvfs(argc, argv, CVFS_VERSION, console);
  } catch (const std::exception& error) {
    console.print_error({cvfs::ExitCode::kInternal, "", error.what(), "report it"});
    return cvfs::exit_code(cvfs::ExitCode::kInternal);
  }
}
