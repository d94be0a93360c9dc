// Console: where a command prints to, and how it says what is wrong. One thread.
#pragma once

#include <ostream>

#include "base/operator_error.h"

namespace cvfs {

struct Console {
  std::ostream& out;
  std::ostream& err;

  // What was printed before it comes first, wherever both go.
  void print_error(const OperatorError& error) const {
    out << std::flush;
    err << "cvfs: " << error.message() << std::endl;
  }
};

inline constexpr int exit_code(ExitCode code) {
  return static_cast<int>(code);
}

}  // namespace cvfs
