#include "cli/command_tree.h"

#include "cli/command_app.h"

namespace cvfs {
namespace {

OptionText option_text(const CLI::Option& option) {
  OptionText text;
  text.is_operand = option.get_positional();
  text.names = text.is_operand ? option.get_name(true) : option.get_name(false, true);
  if (!text.is_operand && option.get_items_expected_max() > 0) text.value = "VALUE";
  text.meaning = option.get_description();
  return text;
}

void add(const CLI::App& app, const std::string& words, std::vector<CommandText>& tree) {
  CommandText command{words, app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options())
    command.options.push_back(option_text(*option));
  const std::vector<const CLI::App*> below = commands_of(app);
  for (const CLI::App* other : below) command.commands.push_back(other->get_name());
  tree.push_back(std::move(command));
  for (const CLI::App* other : below) add(*other, words + ' ' + other->get_name(), tree);
}

}  // namespace

std::vector<CommandText> command_tree(const CLI::App& app) {
  std::vector<CommandText> tree;
  add(app, app.get_name(), tree);
  return tree;
}

}  // namespace cvfs
