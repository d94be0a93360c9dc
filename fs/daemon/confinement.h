// What a worker can still do once it serves: it is root's, and parses what containers send.
// docs/security.md says what is kept and why. One thread, before others start.
#pragma once

namespace cvfs {

// The capabilities that it needs, and the system calls of serving (seccomp(2)): any other is EPERM,
// and logged by the kernel. For good: also over execve(2). What cannot be had is logged, and the
// view serves all the same. `makes_devices`: CAP_MKNOD stays, for views that are mounted with
// `dev`.
void confine_worker(bool makes_devices);

}  // namespace cvfs
