// What an operator calls a view on the command line. Asks nothing of any view. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/operator_error.h"
#include "control/running_views.h"

namespace cvfs {

// The views that `name` means: a view's number; a source as findmnt(8) shows it, which several may
// have; or a mount point, absolute or relative, also through symlinks in its parent directories
// (several: one is mounted over another). In this order: a tenant is never a number, and a source
// wins over a relative path (./toto is the path). Refused: there is none; the hint names the one
// that may be meant.
Outcome<std::vector<RunningView>> views_named(const std::string& name,
                                              const std::vector<RunningView>& views);

// As "/srv/toto", or by its number where it is mounted elsewhere: what a line about a view
// begins with. Printable.
std::string name_of(const RunningView& view);

}  // namespace cvfs
