// The views of this machine, by what needs no answer from them: their mounts in
// /proc/self/mountinfo and their control sockets in /run/cvfs. A mount point is never touched: one
// of a view that hangs would hang whoever asks. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

inline constexpr const char* kControlDirectory = "/run/cvfs";

struct RunningView {
  // The minor number of the view's st_dev, which is that of its FUSE connection
  // (/sys/fs/fuse/connections/N): no two on this machine have the same.
  std::uint32_t id = 0;
  std::string source;                // "toto:/data"; empty: not mounted in our mount namespace
  std::vector<std::string> targets;  // where: the whole view first, then what is bound from it
  bool has_socket = false;           // there is a file; whether somebody listens is another matter

  bool is_mounted() const { return !targets.empty(); }
};

// "/run/cvfs/53.sock"
std::string control_socket_of(std::uint32_t id);

// What proc(5) calls mountinfo, as views; ordered by number. Lines that are no mount of type
// fuse.cvfs, or that cannot be read, are passed over.
std::vector<RunningView> views_in_mountinfo(std::string_view mountinfo);

// Mounts and sockets together, ordered by number. Refused with ExitCode::kSystem: mountinfo or the
// directory cannot be read (no directory: there is no socket).
Outcome<std::vector<RunningView>> find_running_views();

}  // namespace cvfs
