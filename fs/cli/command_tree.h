// CommandTree: the words, options and operands of the command line as plain text, for the
// completions and the manual. Pure; one thread.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace cvfs {

struct OptionText {
  std::string names;  // "-V,--version"
  std::string value;  // "PATH", or empty
  std::string meaning;
  bool is_operand = false;
};

struct CommandText {
  std::string words;  // "cvfs tenant add"
  std::string meaning;
  std::string footer;
  std::vector<OptionText> options;
  std::vector<std::string> commands;  // what may follow
};

// `app` first, then what is below it, each before its own.
std::vector<CommandText> command_tree(const CLI::App& app);

}  // namespace cvfs
