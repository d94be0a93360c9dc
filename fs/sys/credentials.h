// The credentials of one thread: as whom the next system calls create files, and with which
// capabilities. Each guard changes only its thread, wraps one system call, and aborts the process
// if it cannot restore: going on with somebody else's ids would be worse. Linux' raw per-thread
// system calls are used, not libc's, which would change all threads. See credentials(7).
#pragma once

#include <sys/types.h>

#include <span>

#include "base/result.h"

namespace cvfs::sys {

// Gives all capabilities of this thread up but `kept` (CAP_*), also from what execve(2) could give
// back. Threads started later have no more. EPERM: no CAP_SETPCAP. Others: not as root.
Result<void> keep_capabilities(std::span<const int> kept);

// Once at the start of every thread that serves requests: an umask of its own (unshare CLONE_FS),
// and without CAP_FSETID, so that the backing filesystem clears setid bits as for anybody.
// Aborts if the kernel refuses.
void prepare_serving_thread();

// Files made while it lives belong to uid:gid and get `umask` (unless the directory has a default
// ACL), in the same step in which they appear. Directory permissions are not checked: the kernel
// has checked them on the ids that it shows. Setid bits of the mode are kept.
class CreateAs {
 public:
  CreateAs(uid_t uid, gid_t gid, mode_t umask);
  ~CreateAs();
  CreateAs(const CreateAs&) = delete;
  CreateAs& operator=(const CreateAs&) = delete;
};

// Data is written, and backing files are registered, with these ids while it lives; without
// CAP_SYS_RESOURCE, and with CAP_FSETID only if `keep_setid`.
class ActAs {
 public:
  ActAs(uid_t uid, gid_t gid, bool keep_setid);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
};

// CAP_FSETID while it lives: a chmod keeps setgid, a truncate by a privileged caller keeps setid.
class KeepSetid {
 public:
  KeepSetid();
  ~KeepSetid();
  KeepSetid(const KeepSetid&) = delete;
  KeepSetid& operator=(const KeepSetid&) = delete;
};

}  // namespace cvfs::sys
