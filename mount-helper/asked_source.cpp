#include "asked_source.h"

#include <filesystem>
#include <string_view>
#include <vector>

#include "mount_command.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;

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
  for (FstabLine& line : fstab_lines(target)) asked.push_back(std::move(line.source));
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
