#include "vfs/caller.h"

#include <fstream>
#include <sstream>
#include <string>

namespace cvfs {

bool is_in_group(const Caller& caller, HostGid group) {
  if (caller.gid == group) return true;
  std::ifstream status("/proc/" + std::to_string(caller.pid) + "/status");
  std::string word;
  while (status >> word && word != "Groups:") {
  }
  std::string line;
  std::getline(status, line);
  std::istringstream groups(line);
  for (std::uint32_t gid = 0; groups >> gid;) {
    if (gid == group.value) return true;
  }
  return false;
}

}  // namespace cvfs
