// cvfs completion bash|zsh
#include <memory>
#include <sstream>

#include "cli/command_tree.h"
#include "cli/subcommand.h"
#include "control/printable.h"

namespace cvfs {
namespace {

// "--json --cvfsd status": what may follow, but for operands.
std::string words_after(const CommandText& command) {
  std::string words;
  for (const std::string& name : command.commands) words += name + ' ';
  for (const OptionText& option : command.options) {
    if (option.is_operand) continue;
    std::istringstream names(option.names);
    std::string name;
    while (std::getline(names, name, ',')) words += name + ' ';
  }
  return words;
}

// What an operand is, by its name in the help.
std::string operand_of(const CommandText& command) {
  for (const OptionText& option : command.options) {
    if (!option.is_operand) continue;
    if (option.names.find("VIEW") != std::string::npos) return "views";
    if (option.names.find("NAME") != std::string::npos) return "tenants";
    if (option.names.find("SHELL") != std::string::npos) return "shells";
    if (option.names.find("PAGE") != std::string::npos) return "pages";
  }
  return "";
}

std::string cases_of(const std::vector<CommandText>& tree) {
  std::string cases;
  for (const CommandText& command : tree) {
    cases += "    \"" + command.words + "\")\n      known=\"" + words_after(command) +
             "\"\n      operand=" + operand_of(command) + "\n      ;;\n";
  }
  return cases;
}

std::string commands_pattern(const std::vector<CommandText>& tree) {
  std::string pattern;
  for (const CommandText& command : tree) {
    pattern += (pattern.empty() ? "\"" : " | \"") + command.words + '"';
  }
  return pattern;
}

constexpr const char* kOperands = R"(
_cvfs_operands() {
  case $1 in
    views) findmnt -rn -t fuse.cvfs -o TARGET ;;
    tenants)
      local trees
      trees=$(sed -n 's/^[ \t]*containerdata[ \t]*=[ \t]*//p' /etc/cvfs/cvfs.conf 2>/dev/null | tail -n 1)
      find "${trees:-/containerdata}" -maxdepth 1 -name 'user-*' -printf '%f\n' 2>/dev/null | sed 's/^user-//'
      ;;
    shells) echo bash zsh ;;
    pages) echo cvfs mount.cvfs cvfsd concepts ;;
  esac
}
)";

std::string body(const std::vector<CommandText>& tree, const char* words, const char* last) {
  return std::string("\n_cvfs() {\n  local command=cvfs known= operand= word\n  for word in ") +
         words + "; do\n    case \"$command $word\" in\n      " + commands_pattern(tree) +
         ") command=\"$command $word\" ;;\n    esac\n  done\n  case $command in\n" +
         cases_of(tree) + "  esac\n" + last + "}\n";
}

std::string bash(const std::vector<CommandText>& tree) {
  return "# bash completion of cvfs: made by `cvfs completion bash`\n" + std::string(kOperands) +
         body(tree, "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"",
              "  mapfile -t COMPREPLY < <(compgen -W \"$known $(_cvfs_operands \"$operand\")\" -- "
              "\"${COMP_WORDS[COMP_CWORD]}\")\n") +
         "complete -o default -F _cvfs cvfs\n";
}

std::string zsh(const std::vector<CommandText>& tree) {
  return "#compdef cvfs\n# zsh completion of cvfs: made by `cvfs completion zsh`\n" +
         std::string(kOperands) +
         body(tree, "${words[2,CURRENT-1]}",
              "  compadd -- ${=known} ${=\"$(_cvfs_operands \"$operand\")\"}\n  _files\n") +
         "_cvfs \"$@\"\n";
}

int print(const CLI::App& app, const std::string& shell, const Console& console) {
  const std::vector<CommandText> tree = command_tree(app);
  if (shell != "bash" && shell != "zsh") {
    console.print_error({ExitCode::kUsage, printable(shell), "no completion for this shell",
                         "cvfs completion bash, or cvfs completion zsh"});
    return exit_code(ExitCode::kUsage);
  }
  console.out << (shell == "bash" ? bash(tree) : zsh(tree)) << std::flush;
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_completion_command(CLI::App& app, Action& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "the completion of a shell");
  command->add_option("SHELL", *shell, "bash or zsh")->required();
  command->footer(
      "Examples:\n"
      "  cvfs completion bash >/usr/share/bash-completion/completions/cvfs\n"
      "  cvfs completion zsh >/usr/share/zsh/vendor-completions/_cvfs");
  command->callback([&app, shell, &chosen] {
    chosen = [&app, shell](const Console& console) { return print(app, *shell, console); };
  });
}

}  // namespace cvfs
