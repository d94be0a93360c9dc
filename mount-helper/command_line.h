// What mount(8) tells its helper: mount.cvfs SPEC DIR [-sfnv] [-N NS] [-o OPTS] [-t TYPE]; see
// "EXTERNAL HELPERS" in mount(8). A value type; any thread.
#pragma once

#include <string>

#include "base/operator_error.h"

namespace cvfs {

struct CommandLine {
  std::string source;
  std::string target;
  std::string options;          // every -o, joined by commas
  std::string mount_namespace;  // -N: a process id or a path; empty: our own
  bool sloppy = false;
  bool fake = false;
  bool verbose = false;
  std::string answer;  // --help or --version: print this and do nothing else
};

// Refused with ExitCode::kUsage: anything that is not this convention, and a type that is neither
// cvfs nor fuse.cvfs.
Outcome<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace cvfs
