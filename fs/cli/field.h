// A view's answer as text. The view may be of another build than this cvfs: what is missing or of
// another type is shown as "-", never an error. Everything is printable. Pure but for the time
// zone; any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/control_message.h"

namespace cvfs {

using FieldPath = std::initializer_list<const char*>;

// What is at {"restarts", "worker"} in it; null: nothing.
const Json* field(const Json& object, FieldPath path);

// A string or a number as it is, true and false as "on" and "off".
std::string text_of(const Json* value);
std::optional<std::int64_t> number_of(const Json* value);

// "24 ms", of microseconds; "2026-09-22 10:01:40", of seconds since 1970, in local time.
std::string pause_of(const Json* microseconds);
std::string time_of(const Json* seconds);

}  // namespace cvfs
