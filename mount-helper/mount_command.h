// What mount(8), which called us, was itself told: it resolves and leaves out before its helper
// hears of it. Not thread-safe (getmntent(3)).
#pragma once

#include <string>
#include <vector>

namespace cvfs {

// The words that whoever started us was started with; empty if that cannot be read.
std::vector<std::string> words_of_parent();

// Is that mount(8)?
bool is_called_by_mount();

struct FstabLine {
  std::string source;
  std::string options;
};

// /etc/fstab's lines for this mount point.
std::vector<FstabLine> fstab_lines(const std::string& target);

}  // namespace cvfs
