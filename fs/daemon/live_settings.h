// What can be changed of a view while it serves (`cvfs set`): what is said at the mount holds until
// the state memory has something else, which outlives each of the view's processes and its build.
// The supervisor changes it; each process reads it for itself. Any thread.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "control/view_options.h"
#include "daemon/served_view.h"

namespace cvfs {

LogLevel log_level_of(const ServedView& view);
bool traces_requests(const ServedView& view);
std::chrono::seconds hang_limit_of(const ServedView& view);
// None: what was decided at the mount.
std::optional<double> set_ttl_of(const ServedView& view);
// "notify"; "ttl:5 (mounted with notify)".
std::string shown_cache_of(const ServedView& view);

// This process' log, from now on.
void set_log_level(LogLevel level);
void apply_log_level(const ServedView& view);

// `name` and `value` are a mount option's: log, debug, cache, hang. {"name":..,"was":..,"is":..}.
// Refused: a value that the option does not have, an option that is settled at the mount, a cache
// that this view cannot have. The worker is told by its bell.
Outcome<nlohmann::json> change_setting(const ServedView& view, const std::string& name,
                                       const std::string& value);

}  // namespace cvfs
