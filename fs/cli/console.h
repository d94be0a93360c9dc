// Console: where a command prints to and is answered from, and how it says what is wrong. One
// thread.
#pragma once

#include <iostream>

#include "base/operator_error.h"

namespace cvfs {

struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in = std::cin;
  bool has_colours = false;  // `out` is a terminal that shows them

  // What was printed before it comes first, wherever both go.
  void print_error(const OperatorError& error) const {
    out << std::flush;
    err << "cvfs: " << error.message() << std::endl;
  }

  // What is worth knowing, and no failure.
  void print_note(const std::string& note) const {
    out << std::flush;
    err << "cvfs: note: " << note << std::endl;
  }
};

inline constexpr int exit_code(ExitCode code) {
  return static_cast<int>(code);
}

}  // namespace cvfs
