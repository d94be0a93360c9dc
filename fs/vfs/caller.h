// Caller: who asks, as the kernel says it in every request. A value; any thread.
#pragma once

#include <sys/types.h>

#include "base/ids.h"

namespace cvfs {

struct Caller {
  HostUid uid;
  HostGid gid;
  pid_t pid = 0;     // in the daemon's pid namespace; 0: not visible there
  mode_t umask = 0;  // valid in requests that make something

  // CAP_FSETID, where the kernel does not say it. It counts in the host's user namespace alone: a
  // container's root that has it loses setid bits like anybody (setattr_should_drop_suidgid()).
  bool may_keep_setid() const { return uid.value == 0; }
};

// Is the group the caller's, as its own or as a supplementary one? Read from /proc, in host ids.
bool is_in_group(const Caller& caller, HostGid group);

}  // namespace cvfs
