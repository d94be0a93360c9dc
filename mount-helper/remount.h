// mount -o remount of a running view: changes mount(8)'s own flags (ro, noatime, noexec …), and of
// what is served what `cvfs set` can change as well. Used once; one thread.
#pragma once

#include <string>

#include "base/operator_error.h"

namespace cvfs {

// Is `remount` one of the options?
bool asks_for_remount(const std::string& options);

// Gives the view at `target` the flags that `options` come to, and the log=, debug=, cache= and
// hang= that they have. What cvfs' other options say is passed over, as fstab's come along; nosuid
// and nodev stay where the view has them. Refused: what is no view, what the kernel refuses (EBUSY:
// something is open for writing), what the view refuses.
Outcome<void> remount_view(const std::string& target, const std::string& options);

}  // namespace cvfs
