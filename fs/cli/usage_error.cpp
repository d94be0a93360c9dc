// What is wrong with a command line: CLI11 only says that arguments are left over.
#include "cli/command_app.h"
#include "control/edit_distance.h"
#include "control/printable.h"

namespace cvfs {
namespace {

// "cvfs tenant add", as far as the command line was understood.
struct Understood {
  const CLI::App* command;
  std::string words;
};

Understood understood_part(const CLI::App& app) {
  Understood part{&app, "cvfs"};
  while (!part.command->get_subcommands().empty()) {
    part.command = part.command->get_subcommands().front();
    part.words += ' ' + part.command->get_name();
  }
  return part;
}

// Of `known`, what `typed` was meant to be; "": nothing is near.
std::string nearest(const std::string& typed, const std::vector<std::string>& known) {
  std::size_t best = largest_slip(typed) + 1;
  std::string found;
  for (const std::string& name : known) {
    const std::size_t distance = edit_distance(typed, name);
    if (distance >= best) continue;
    best = distance;
    found = name;
  }
  return found;
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> names_of_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

OperatorError wrong_word(const Understood& part, const std::string& word, const char* what,
                         const std::vector<std::string>& known) {
  const std::string meant = nearest(word, known);
  return {ExitCode::kUsage, printable(word), what,
          part.words + ' ' + (meant.empty() ? "--help" : meant)};
}

}  // namespace

OperatorError usage_error(const CLI::App& app, int argc, const char* const* argv,
                          const std::string& what) {
  const Understood part = understood_part(app);
  const std::vector<std::string> left = app.remaining(true);
  const auto commands = names_of_commands(*part.command);
  for (const std::string& word : left) {
    if (!word.starts_with('-') || word == "-") continue;
    const std::string name = word.substr(0, word.find('='));
    return wrong_word(part, name, "no such option", names_of_options(*part.command));
  }
  const bool wants_command = !commands.empty();
  if (wants_command && !left.empty()) {
    return wrong_word(part, left.front(), "no such command", commands);
  }
  if (wants_command && left.empty() && argc > 1) {
    return {ExitCode::kUsage, argv[argc - 1], "which of its commands?", part.words + " --help"};
  }
  return {ExitCode::kUsage, "", printable(what), part.words + " --help"};
}

}  // namespace cvfs
