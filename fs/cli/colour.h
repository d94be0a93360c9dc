// Colours for a terminal, and none for anything else. Pure; any thread.
#pragma once

#include <string>

#include "cli/console.h"

namespace cvfs {

// SGR of ECMA-48, as every terminal has it.
enum class Colour { kBold = 1, kRed = 31, kGreen = 32, kYellow = 33 };

inline std::string coloured(const Console& console, Colour colour, const std::string& text) {
  if (!console.has_colours) return text;
  return "\033[" + std::to_string(static_cast<int>(colour)) + 'm' + text + "\033[0m";
}

}  // namespace cvfs
