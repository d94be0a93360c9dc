#include "daemon/lock_holder.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <string>

namespace cvfs {

namespace {

using nlohmann::json;

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// As the process itself sees its number: the last of "NSpid:\t4711\t12".
int own_number_of(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("NSpid:")) {
  }
  std::istringstream words(line.substr(std::min(line.size(), sizeof "NSpid:" - 1)));
  int number = 0;
  while (words >> number) {
  }
  return number;
}

std::string cgroup_of(int pid) {
  const std::string line = first_line_of("/proc/" + std::to_string(pid) + "/cgroup");
  const std::size_t path = line.find('/');
  return path == std::string::npos ? "" : line.substr(path);
}

// An engine's number of it: the last 64 hexadecimal digits of
// "/system.slice/docker-0123abcd….scope",
// "/docker/0123abcd…", "/machine.slice/libpod-0123abcd….scope"; "": none.
std::string container_of(const std::string& cgroup) {
  constexpr std::size_t kDigits = 64;
  std::size_t run = 0;
  for (std::size_t at = cgroup.size(); at-- > 0;) {
    const bool is_digit = std::isxdigit(static_cast<unsigned char>(cgroup[at])) != 0;
    run = is_digit ? run + 1 : 0;
    if (run == kDigits) return cgroup.substr(at, kDigits);
  }
  return "";
}

json facts_of(int pid) {
  json facts = {{"pid", pid}};
  if (pid <= 0) return facts;
  facts["container_pid"] = own_number_of(pid);
  facts["command"] = first_line_of("/proc/" + std::to_string(pid) + "/comm");
  const std::string cgroup = cgroup_of(pid);
  facts["cgroup"] = cgroup;
  facts["container"] = container_of(cgroup);
  return facts;
}

}  // namespace

void LockHolders::add_to(json& lock, int pid) {
  const auto [known, is_new] = known_.try_emplace(pid);
  if (is_new) known->second = facts_of(pid);
  lock.update(known->second);
}

}  // namespace cvfs
