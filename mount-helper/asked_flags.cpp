#include "asked_flags.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "mount_command.h"

namespace cvfs {
namespace {

// Is `word` one of a comma-separated list?
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (item == word) return true;
    list.remove_prefix(std::min(item.size() + 1, list.size()));
  }
  return false;
}

// Of mount(8)'s options those that take a word of their own, but for -o, --source and --target.
constexpr auto kWithArgument = std::to_array<std::string_view>(
    {"-t", "--types", "-O", "--test-opts", "-L", "--label", "-U", "--uuid", "-N", "--namespace",
     "-T", "--fstab", "--target-prefix", "--options-mode", "--options-source",
     "--options-source-force", "-p", "--pass-fd"});

struct Asked {
  std::vector<std::string> options;  // each -o
  unsigned named = 0;                // source and target
};

// `word` is "--NAME=…" or, with one dash and a letter, "-N…".
std::string_view attached(std::string_view word, std::string_view name) {
  if (!word.starts_with(name) || word.size() == name.size()) return {};
  word.remove_prefix(name.size());
  if (!name.starts_with("--")) return word;
  return word.starts_with('=') ? word.substr(1) : std::string_view{};
}

Asked read_command(const std::vector<std::string>& words) {
  Asked asked;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const bool has_next = i + 1 < words.size();
    if ((word == "-o" || word == "--options") && has_next) {
      asked.options.push_back(words[++i]);
    } else if (word == "--source" || word == "--target") {
      ++asked.named;
      ++i;
    } else if (std::ranges::find(kWithArgument, word) != kWithArgument.end()) {
      ++i;
    } else if (!attached(word, "-o").empty()) {
      asked.options.emplace_back(attached(word, "-o"));
    } else if (!attached(word, "--options").empty()) {
      asked.options.emplace_back(attached(word, "--options"));
    } else if (!word.starts_with('-') || word.starts_with("--source=") ||
               word.starts_with("--target=")) {
      ++asked.named;
    }
  }
  return asked;
}

// What mount(8) put together: fstab counts unless the command names both source and target.
std::vector<std::string> asked_options(const std::string& target) {
  Asked asked = read_command(words_of_parent());
  if (asked.named < 2) {
    for (FstabLine& line : fstab_lines(target)) asked.options.push_back(std::move(line.options));
  }
  return asked.options;
}

}  // namespace

std::string with_asked_flags(std::string options, const std::string& target) {
  if (!is_called_by_mount()) return options;
  const auto asked = asked_options(target);
  for (const std::string_view flag : {"suid", "dev"}) {
    // Whether `suid` or `nosuid` came last is for mount(8) to know: nosuid it does hand on.
    if (lists(options, "no" + std::string(flag)) || lists(options, flag)) continue;
    const bool said = std::ranges::any_of(asked, [&](auto& list) { return lists(list, flag); });
    if (said) options.append(options.empty() ? "" : ",").append(flag);
  }
  return options;
}

}  // namespace cvfs
