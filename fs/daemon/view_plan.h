// ViewPlan: what a mount command means on this machine, checked: everything that can be refused
// is refused here, before anything is mounted. Thread-compatible (a value that owns descriptors).
#pragma once

#include <memory>
#include <string>

#include "base/operator_error.h"
#include "control/tenant_source.h"
#include "control/view_options.h"
#include "idmap/identity.h"

namespace cvfs {

// As it stands on the command line.
struct MountCommand {
  std::string source;           // "toto", "toto:/data", "/containerdata/user-toto/data"
  std::string target;           // where to mount: an absolute path
  std::string options;          // mount(8)'s -o
  std::string mount_namespace;  // where the target is: /proc/PID/ns/mnt; empty: here
  bool sloppy = false;          // pass over unknown options
};

struct ViewPlan {
  ViewOptions options;
  TenantSource source;
  // What /proc/self/mounts shows: the source's name, or "toto:/" for "toto" if that was said.
  std::string mounted_as;
  std::string target;        // an absolute path
  UniqueFd mount_namespace;  // where the target is; empty: here
  OwnerPolicy owner = OwnerPolicy::kMap;
  std::unique_ptr<Identity> identity;
  unsigned stack_depth = 1;  // fuse/handshake.h
  bool suid_denied = false;  // it was said, and is not to be had
};

// Refused, with mount(8)'s exit codes: what control/ and idmap/ refuse, and a target that is
// missing, is no directory, or is a mount point already (daemon/mount_target.h).
Outcome<ViewPlan> plan_view(const MountCommand& command);

}  // namespace cvfs
