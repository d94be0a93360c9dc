#include "cli/field.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

#include "control/printable.h"

namespace cvfs {
namespace {

constexpr const char* kUnknown = "-";

}  // namespace

const Json* field(const Json& object, FieldPath path) {
  const Json* at = &object;
  for (const char* name : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(name);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string text_of(const Json* value) {
  if (value == nullptr) return kUnknown;
  if (value->is_string()) return printable(value->get_ref<const std::string&>());
  if (value->is_number()) return to_text(*value);
  if (value->is_boolean()) return value->get<bool>() ? "on" : "off";
  return kUnknown;
}

std::optional<std::int64_t> number_of(const Json* value) {
  if (value == nullptr || !value->is_number_integer()) return {};
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > kMax) return {};
  return value->get<std::int64_t>();
}

std::string pause_of(const Json* microseconds) {
  const auto us = number_of(microseconds);
  if (!us || *us < 0) return kUnknown;
  const double ms = static_cast<double>(*us) / 1000;
  std::array<char, 48> text;
  if (ms < 10) {
    std::snprintf(text.data(), text.size(), "%.1f ms", ms);
  } else if (ms < 10'000) {
    std::snprintf(text.data(), text.size(), "%.0f ms", ms);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", ms / 1000);
  }
  return text.data();
}

std::string time_of(const Json* seconds) {
  const auto number = number_of(seconds);
  if (!number || *number <= 0) return kUnknown;
  const time_t time = *number;
  tm local{};
  if (::localtime_r(&time, &local) == nullptr) return kUnknown;
  std::array<char, 64> text;
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return {text.data(), length};
}

}  // namespace cvfs
