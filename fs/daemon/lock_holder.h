// Who holds or wants a lock, for `cvfs locks`: what /proc says of a process. Each is asked for
// once. Not thread-safe.
#pragma once

#include <map>
#include <nlohmann/json.hpp>

namespace cvfs {

class LockHolders {
 public:
  // Adds who it is to the lock: pid, container_pid, command, cgroup, container (docs/locks.md).
  void add_to(nlohmann::json& lock, int pid);

 private:
  std::map<int, nlohmann::json> known_;
};

}  // namespace cvfs
