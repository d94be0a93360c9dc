// The lines of fstab(5) that mount views. Any thread but for one at a time (getmntent(3)).
#pragma once

#include <string>
#include <vector>

namespace cvfs {

struct FstabLine {
  std::string source;
  std::string target;
  std::string type;
  std::string options;

  bool is_view() const { return type == "cvfs" || type == "fuse.cvfs"; }
  bool has_option(const std::string& option) const;  // as a whole word between commas
};

// All lines; none where there is no such file.
std::vector<FstabLine> read_fstab(const std::string& path = "/etc/fstab");

// "toto" of "toto:/data", or of "/containerdata/user-toto/data"; "": of nothing that is a tenant's.
std::string tenant_of_source(const std::string& source);

}  // namespace cvfs
