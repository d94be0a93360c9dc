// Acting in another mount namespace (mount -N) without trusting it: a child of ours enters it,
// makes the calls and ends. No program or library of the other namespace runs. One thread only.
#pragma once

#include <functional>
#include <string>

#include "base/operator_error.h"
#include "base/unique_fd.h"
#include "daemon/view_plan.h"

namespace cvfs {

// `path`: /proc/PID/ns/mnt, or a file that one is mounted on. Empty: none, and no descriptor.
Outcome<UniqueFd> open_mount_namespace(const std::string& path);

// Runs `action` there (here, if `namespace_fd` is -1) and gives back what it said.
Outcome<void> in_mount_namespace(int namespace_fd, const std::function<Outcome<void>()>& action);

// umount2(2) of the view where it is. Refused: busy, or not (or no longer) mounted.
Outcome<void> unmount_view(const ViewPlan& plan, int flags);

}  // namespace cvfs
