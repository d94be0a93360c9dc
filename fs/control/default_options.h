// The administrator's defaults for every view: /etc/cvfs/cvfs.conf holds options of cvfs, one a
// line, in the form that they have after -o. Read by mount.cvfs and cvfs. Pure but for reading the
// file; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/operator_error.h"

namespace cvfs {

inline constexpr const char* kDefaultsFile = "/etc/cvfs/cvfs.conf";

// The file's options, joined by commas; "" where there is no file. Empty lines and those that begin
// with # are passed over. Refused, with file and line as the object: what parse_view_options()
// refuses, an option of mount(8)'s own (ro, nofail, x-…), two options in a line; with
// ExitCode::kSystem: a file that cannot be read.
Outcome<std::string> read_default_options(const std::string& path = kDefaultsFile);

// What a mount comes to: a later option overrides an earlier one, so the defaults come first.
// Without their userns=, uidmap= and gidmap= if `options` have one of these, for they are one
// thing.
std::string with_defaults(std::string_view defaults, std::string_view options);

}  // namespace cvfs
