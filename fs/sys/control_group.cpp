#include "sys/control_group.h"

#include <cctype>
#include <fstream>

namespace cvfs::sys {

std::string control_group_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
  std::string line;
  std::getline(file, line);
  const std::size_t path = line.find('/');
  return path == std::string::npos ? "" : line.substr(path);
}

std::string container_in(const std::string& control_group) {
  constexpr std::size_t kDigits = 64;
  std::size_t run = 0;
  for (std::size_t at = control_group.size(); at-- > 0;) {
    const bool is_digit = std::isxdigit(static_cast<unsigned char>(control_group[at])) != 0;
    run = is_digit ? run + 1 : 0;
    if (run == kDigits) return control_group.substr(at, kDigits);
  }
  return "";
}

}  // namespace cvfs::sys
