// What the manual says of a view's options: from the parser's own tables, so that it stays true.
// Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace cvfs {

struct ViewOptionHelp {
  std::string_view name;     // "cache"
  std::string_view values;   // "none or ttl:SECONDS (0 to 86400)"
  std::string_view example;  // "cache=none or cache=ttl:1"
  std::string_view meaning;  // what it is for; its default
};

std::vector<ViewOptionHelp> view_option_help();

// mount(8)'s that a view understands, and those that it passes over.
std::vector<std::string_view> mount_flag_options();
std::vector<std::string_view> passed_over_options();

}  // namespace cvfs
