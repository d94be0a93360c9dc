#include "mount_command.h"

#include <mntent.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace cvfs {
namespace {

std::string file_of_parent(const char* name) {
  std::ifstream file("/proc/" + std::to_string(::getppid()) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<std::string> words_of_parent() {
  const std::string all = file_of_parent("cmdline");
  std::vector<std::string> words;
  for (std::size_t at = 0; at < all.size(); at += words.back().size() + 1) {
    words.emplace_back(all.c_str() + at);
  }
  return words;
}

bool is_called_by_mount() {
  return file_of_parent("comm") == "mount\n";
}

std::vector<FstabLine> fstab_lines(const std::string& target) {
  std::vector<FstabLine> lines;
  std::FILE* file = ::setmntent("/etc/fstab", "re");
  if (file == nullptr) return lines;
  while (const mntent* line = ::getmntent(file)) {
    if (target == line->mnt_dir) lines.push_back({line->mnt_fsname, line->mnt_opts});
  }
  ::endmntent(file);
  return lines;
}

}  // namespace cvfs
