// mount -o remount of a running view: changes mount(8)'s own flags (ro, noatime, noexec …) and
// nothing of what is served. Used once; one thread.
#pragma once

#include <string>

#include "base/operator_error.h"

namespace cvfs {

// Is `remount` one of the options?
bool asks_for_remount(const std::string& options);

// Gives the view at `target` the flags that `options` come to. What cvfs' own options say is passed
// over, as fstab's come along; nosuid and nodev stay where the view has them. Refused: what is no
// view, and what the kernel refuses (EBUSY: something is open for writing).
Outcome<void> remount_view(const std::string& target, const std::string& options);

}  // namespace cvfs
