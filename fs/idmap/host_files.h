// HostFiles: where the machine keeps what maps are made of, so that a test can point elsewhere.
// Plain values and one function that reads; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/operator_error.h"

namespace cvfs {

struct HostFiles {
  std::string subuid = "/etc/subuid";
  std::string subgid = "/etc/subgid";
  std::string daemon_json = "/etc/docker/daemon.json";
  std::string proc = "/proc";
};

// The contents of a file; nullopt where there is none (ENOENT, or ESRCH: a process that ended while
// its file in /proc was read). Refused: a file that cannot be read.
Outcome<std::optional<std::string>> read_host_file(const std::string& path);

}  // namespace cvfs
