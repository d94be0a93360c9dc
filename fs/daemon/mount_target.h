// The directory that a view is mounted on: whether it may be, and what a dead view left there. Both
// act in the mount namespace that they are called in (daemon/mount_namespace.h). One thread only.
#pragma once

#include <string>

#include "base/operator_error.h"
#include "control/tenant_source.h"

namespace cvfs {

// Changes nothing. Refused: a target that is missing, is no directory, or is a mount point already,
// but for the source itself and for a dead view, which clear_target() takes away.
Outcome<void> check_target(const std::string& target, const TenantSource& source);

// Detaches the dead views that are mounted on it, one on the other, and says so in the log. Never a
// view that answers, nor any other filesystem. Refused: as above, with what is below them.
Outcome<void> clear_target(const std::string& target, const TenantSource& source);

}  // namespace cvfs
