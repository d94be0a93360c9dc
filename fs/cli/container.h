// Container: a running one, by its name (docker(1) is asked) or by the number of a process in it.
// A value; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/operator_error.h"
#include "cli/mount_table.h"
#include "idmap/id_map.h"

namespace cvfs {

struct Container {
  std::string name;
  int pid = 0;
  IdMap uids = IdMap::identity();
  IdMap gids = IdMap::identity();
  std::vector<MountEntry> mounts;
  // Of its process, as the host numbers them.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  std::uint64_t capabilities = 0;
};

// Refused: no such container or process, it does not run, there is no docker(1).
Outcome<Container> find_container(const std::string& name);

}  // namespace cvfs
