#include "cli/fstab.h"

#include <mntent.h>

#include <cstdio>
#include <memory>
#include <sstream>

#include "control/tenant_name.h"

namespace cvfs {

bool FstabLine::has_option(const std::string& option) const {
  return ("," + options + ",").find("," + option + ",") != std::string::npos;
}

std::vector<FstabLine> read_fstab(const std::string& path) {
  std::vector<FstabLine> lines;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(::setmntent(path.c_str(), "re"),
                                                             ::endmntent);
  if (!file) return lines;
  while (const mntent* line = ::getmntent(file.get())) {
    lines.push_back({line->mnt_fsname, line->mnt_dir, line->mnt_type, line->mnt_opts});
  }
  return lines;
}

std::string tenant_of_source(const std::string& source) {
  if (!source.starts_with('/')) return source.substr(0, source.find(':'));
  std::istringstream components(source);
  std::string name;
  while (std::getline(components, name, '/')) {
    if (name.starts_with(kTenantPrefix)) return name.substr(kTenantPrefix.size());
  }
  return "";
}

}  // namespace cvfs
