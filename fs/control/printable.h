// What an operator typed, made fit for a message of one line. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cvfs {

// Control characters become '?': neither a newline nor an escape sequence gets into a log.
inline std::string printable(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return line;
}

}  // namespace cvfs
