// mount(8) resolves the symlinks of a source that is a path before its helper sees it, as root: a
// tenant's symlink could so make another tenant's tree of one. What was asked for is found again in
// the command line of mount(8) and in fstab. Not thread-safe (getmntent(3)); used once.
#pragma once

#include <string>

#include "base/operator_error.h"

namespace cvfs {

// Refused: `source`, a path below `containerdata`, is where a symlink leads that was asked for in
// the tree of another tenant. `target` tells fstab's line.
Outcome<void> check_asked_source(const std::string& source, const std::string& target,
                                 std::string containerdata);

}  // namespace cvfs
