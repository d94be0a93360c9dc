// What the fuzzers share: a property that does not hold ends the program, as libFuzzer wants it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/operator_error.h"

namespace cvfs::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const unsigned char* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// One line what is wrong, one what to do; nothing that a terminal would obey.
inline void require_readable(const OperatorError& error) {
  const std::string message = error.message();
  require(!error.what.empty(), "a refusal says what is wrong");
  std::size_t lines = 1;
  for (const char c : message) {
    if (c == '\n') {
      ++lines;
    } else {
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a message is printable");
    }
  }
  require(lines <= 2, "a message has two lines at most");
}

}  // namespace cvfs::fuzz
