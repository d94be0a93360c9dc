// The mounts of a process as the kernel lists them: mountinfo in proc(5), with what of a filesystem
// is mounted and how. Nothing of it is touched. Pure but for one function that reads; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

struct MountEntry {
  std::uint32_t minor = 0;  // of the device: a view's number
  std::string root;         // what of the filesystem is mounted: "/", "/data"
  std::string target;
  std::string options;        // of the mount: "ro,nosuid"
  std::string type;           // "fuse.cvfs"
  std::string super_options;  // of the filesystem

  bool has(std::string_view option) const;  // either has it
  bool is_view() const;
};

std::vector<MountEntry> parse_mountinfo(std::string_view text);

// Of /proc/PID/mountinfo; 0: our own. Refused: no such process.
Outcome<std::vector<MountEntry>> mounts_of_process(int pid);

// The one that an absolute, normal path is on: the longest, and of equals the last.
const MountEntry* mount_of_path(const std::vector<MountEntry>& mounts, const std::string& path);

// "/data/x" for "/srv/toto/x" where /data is mounted on /srv/toto.
std::string path_on_mount(const MountEntry& mount, const std::string& path);

}  // namespace cvfs
