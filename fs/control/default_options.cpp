#include "control/default_options.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/result.h"
#include "control/printable.h"
#include "control/view_option_help.h"
#include "control/view_options.h"

namespace cvfs {
namespace {

constexpr auto kMapOptions = std::to_array<std::string_view>({"userns", "uidmap", "gidmap"});

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// "userns = auto" is "userns=auto".
std::string option_in(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return std::string(trimmed(line));
  std::string option(trimmed(line.substr(0, equals)));
  return option.append("=").append(trimmed(line.substr(equals + 1)));
}

template <class Names>
bool is_among(const Names& names, std::string_view option) {
  return std::ranges::find(names, option) != std::ranges::end(names);
}

bool is_mounts(const std::string& option) {
  if (option.starts_with("x-") || option.starts_with("X-") || option.starts_with("comment=")) {
    return true;
  }
  return is_among(passed_over_options(), option) || is_among(mount_flag_options(), option);
}

Outcome<void> check(const std::string& option) {
  const auto refuse_option = [&](const char* what, const char* hint) {
    return refuse(OperatorError{ExitCode::kUsage, printable(option), what, hint});
  };
  if (option.find(',') != std::string::npos) {
    return refuse_option("a comma stands between options", "each option on a line of its own");
  }
  // mount(8) says rw where nobody says ro, and leaves out what is its default: a default of ours
  // would sometimes win over what was said, and sometimes not.
  if (is_mounts(option)) return refuse_option("is an option of mount(8)'s own", "fstab, or -o");
  TRY(parse_view_options(option));
  return {};
}

OperatorError at_line(const std::string& path, std::size_t line, OperatorError error) {
  error.what = error.object + ": " + error.what;
  error.object = path + ":" + std::to_string(line);
  return error;
}

tl::unexpected<OperatorError> refuse_reading(const std::string& path, int error) {
  return refuse(OperatorError{ExitCode::kSystem, path,
                              std::string("cannot be read: ") + std::strerror(error),
                              "ls -l " + path});
}

bool is_map(std::string_view option) {
  return is_among(kMapOptions, option.substr(0, option.find('=')));
}

// `visit` is called with each option of a comma-separated list.
template <class Visit>
void each_of(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(option.size() + 1, list.size()));
    if (!option.empty()) visit(option);
  }
}

void append(std::string& list, std::string_view option) {
  list.append(list.empty() ? "" : ",").append(option);
}

}  // namespace

Outcome<std::string> read_default_options(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  if (!file) return errno == ENOENT ? Outcome<std::string>("") : refuse_reading(path, errno);
  std::string options;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    const auto text = trimmed(line);
    if (text.empty() || text.starts_with('#')) continue;
    const std::string option = option_in(text);
    if (auto checked = check(option); !checked) {
      return refuse(at_line(path, number, std::move(checked).error()));
    }
    append(options, option);
  }
  if (file.bad()) return refuse_reading(path, errno);
  return options;
}

std::string with_defaults(std::string_view defaults, std::string_view options) {
  bool has_map = false;
  each_of(options, [&](std::string_view option) { has_map = has_map || is_map(option); });
  std::string all;
  each_of(defaults, [&](std::string_view option) {
    if (!has_map || !is_map(option)) append(all, option);
  });
  if (!options.empty()) append(all, options);
  return all;
}

}  // namespace cvfs
