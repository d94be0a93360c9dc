// The credentials of one thread: as whom the next system calls create files, and with which
// capabilities. Each guard changes only its thread, wraps one system call, and aborts the process
// if a change fails: going on with somebody else's ids would be worse. Linux' raw per-thread
// system calls are used, not libc's, which would change all threads. See credentials(7).
//
// A change of ids costs more than most calls that are made with them, so a guard takes only what
// the thread does not have yet, and leaves the ids as they are when it ends. What is called without
// a guard must go by capabilities alone, which never change but for CAP_FSETID; begin_request() and
// act_as_root() are for what goes by ids.
#pragma once

#include <sys/types.h>

#include <span>

#include "base/result.h"

namespace cvfs::sys {

// Gives all capabilities of this thread up but `kept` (CAP_*), also from what execve(2) could give
// back. Threads started later have no more. EPERM: no CAP_SETPCAP, without which execve(2) may give
// them back. Others: not as root.
Result<void> keep_capabilities(std::span<const int> kept);

// Once at the start of every thread that serves requests: an umask of its own (unshare CLONE_FS),
// and without CAP_FSETID, so that the backing filesystem clears setid bits as for anybody.
// Aborts if the kernel refuses.
void prepare_serving_thread();

// Before each request. `by_root`: the backing filesystem itself judges who asks (a server's does).
// Then guards give ids back as they end, and what is called without one is called by root.
void begin_request(bool by_root);

// Until the next guard: ids 0, no CAP_FSETID.
void act_as_root();

// Files made while it lives belong to uid:gid and get `umask` (unless the directory has a default
// ACL), in the same step in which they appear. Directory permissions are not checked: the kernel
// has checked them on the ids that it shows. Setid bits of the mode are kept if `keep_setid`.
class CreateAs {
 public:
  CreateAs(uid_t uid, gid_t gid, mode_t umask, bool keep_setid = true);
  ~CreateAs();
  CreateAs(const CreateAs&) = delete;
  CreateAs& operator=(const CreateAs&) = delete;
};

// Data is written with these ids while it lives; without CAP_SYS_RESOURCE, and with CAP_FSETID only
// if `keep_setid`.
class ActAs {
 public:
  ActAs(uid_t uid, gid_t gid, bool keep_setid);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
};

// Nothing that is root's alone is used while it lives, as a filesystem's reserved blocks: for calls
// to whom it is the same which other ids they are made with. These, or those that the thread has;
// `in_group`: with exactly that group.
class ActUnprivileged {
 public:
  ActUnprivileged(uid_t uid, gid_t gid, bool in_group = false);
  ~ActUnprivileged();
  ActUnprivileged(const ActUnprivileged&) = delete;
  ActUnprivileged& operator=(const ActUnprivileged&) = delete;
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
