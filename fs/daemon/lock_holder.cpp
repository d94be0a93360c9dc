#include "daemon/lock_holder.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "sys/control_group.h"

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

json facts_of(int pid) {
  json facts = {{"pid", pid}};
  if (pid <= 0) return facts;
  facts["container_pid"] = own_number_of(pid);
  facts["command"] = first_line_of("/proc/" + std::to_string(pid) + "/comm");
  const std::string cgroup = sys::control_group_of(pid);
  facts["cgroup"] = cgroup;
  facts["container"] = sys::container_in(cgroup);
  return facts;
}

}  // namespace

void LockHolders::add_to(json& lock, int pid) {
  const auto [known, is_new] = known_.try_emplace(pid);
  if (is_new) known->second = facts_of(pid);
  lock.update(known->second);
}

}  // namespace cvfs
