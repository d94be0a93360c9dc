#include "asked_source.h"

#include <mntent.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace cvfs {
namespace {

namespace fs = std::filesystem;

// The words that whoever started us was started with.
std::vector<std::string> words_of_parent() {
  std::ifstream file("/proc/" + std::to_string(::getppid()) + "/cmdline");
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words;
  for (std::size_t at = 0; at < all.size(); at += words.back().size() + 1) {
    words.emplace_back(all.c_str() + at);
  }
  return words;
}

// The sources of fstab's lines for this mount point.
std::vector<std::string> sources_in_fstab(const std::string& target) {
  std::vector<std::string> sources;
  std::FILE* file = ::setmntent("/etc/fstab", "re");
  if (file == nullptr) return sources;
  while (const mntent* line = ::getmntent(file)) {
    if (target == line->mnt_dir) sources.emplace_back(line->mnt_fsname);
  }
  ::endmntent(file);
  return sources;
}

// "/containerdata/user-toto/www" -> "user-toto"; empty: not below it.
std::string_view tenant_in(std::string_view path, const std::string& containerdata) {
  if (!path.starts_with(containerdata + "/")) return {};
  path.remove_prefix(containerdata.size() + 1);
  return path.substr(0, path.find('/'));
}

}  // namespace

Outcome<void> check_asked_source(const std::string& source, const std::string& target,
                                 std::string containerdata) {
  while (containerdata.ends_with('/')) containerdata.pop_back();
  const std::string_view tenant = tenant_in(source, containerdata);
  if (tenant.empty()) return {};
  std::vector<std::string> asked = words_of_parent();
  for (std::string& line : sources_in_fstab(target)) asked.push_back(std::move(line));
  for (const std::string& path : asked) {
    const std::string_view asked_tenant = tenant_in(path, containerdata);
    if (asked_tenant.empty() || asked_tenant == tenant) continue;
    std::error_code error;
    if (fs::canonical(path, error) != source || error) continue;
    return refuse(path, "leads out of the tenant's tree, to " + source,
                  "the directory itself, if it is meant");
  }
  return {};
}

}  // namespace cvfs
