// Other programs that a command needs: usermod(8), docker(1). Without a shell, in the C locale, and
// never for longer than is said. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

struct ProgramEnd {
  int exit_code = 0;  // 128 + the signal that ended it
  std::string out;    // at most some megabytes
  std::string err;
};

// How long docker(1) may take.
inline constexpr int kDockerSeconds = 20;

// Where the program of this name is: in the administrator's directories, then in PATH.
std::optional<std::string> find_program(const std::string& name);

// `words` begin with the program's path. Refused with ExitCode::kSystem: it cannot be started, or
// does not end in time and is killed.
Outcome<ProgramEnd> run_program(const std::vector<std::string>& words, int timeout_seconds);

}  // namespace cvfs
