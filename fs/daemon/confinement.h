// What a worker can still do once it serves: it is root's, and parses what containers send.
// docs/security.md says what is kept and why. One thread, before others start.
#pragma once

namespace cvfs {

// What only some views need. A worker may lose the view's other processes and become their program
// anew (daemon/orphan.h), still confined: what that has to do, its workers keep.
struct WorkerNeeds {
  bool makes_devices = false;  // mounted with `dev`: CAP_MKNOD
  bool enters_mounts = false;  // mounted in another mount namespace: setns(2) to one, to unmount it
  // With times of its own: mount_setattr(2), for a copy of the tree's mount.
  bool sets_times = false;
};

// The capabilities that it needs, and the system calls of serving (seccomp(2)): any other is EPERM,
// and logged by the kernel. For good: also over execve(2). Once: one that is confined cannot be
// confined again. What cannot be had is logged, and the view serves all the same.
void confine_worker(const WorkerNeeds& needs);

}  // namespace cvfs
