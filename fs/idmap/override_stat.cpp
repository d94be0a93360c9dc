#include "idmap/override_stat.h"

#include <sys/stat.h>

#include <charconv>
#include <cstdint>
#include <cstdio>

namespace cvfs {

namespace {

constexpr mode_t kPermissions = 07777;

// Takes the next field off `text`.
std::string_view next_field(std::string_view& text) {
  const std::size_t end = text.find(':');
  const std::string_view field = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return field;
}

bool read_number(std::string_view field, std::uint32_t& value, int base) {
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, value, base);
  return error == std::errc{} && stop == end;
}

mode_t type_of(std::string_view type, mode_t on_disk) {
  if (!S_ISREG(on_disk)) return on_disk & S_IFMT;
  if (type == "pipe") return S_IFIFO;
  if (type == "socket") return S_IFSOCK;
  return S_IFREG;
}

const char* name_of_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "dir";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "pipe";
    case S_IFSOCK:
      return "socket";
    default:
      return "file";
  }
}

}  // namespace

std::optional<OverrideStat> parse_override_stat(std::string_view text, mode_t on_disk) {
  OverrideStat parsed;
  std::uint32_t permissions = 0;
  if (!read_number(next_field(text), parsed.uid.value, 10)) return std::nullopt;
  if (!read_number(next_field(text), parsed.gid.value, 10)) return std::nullopt;
  if (!read_number(next_field(text), permissions, 8)) return std::nullopt;
  parsed.mode = type_of(next_field(text), on_disk) | (permissions & kPermissions);
  return parsed;
}

std::string text_of(const OverrideStat& values) {
  char text[64];
  std::snprintf(text, sizeof text, "%u:%u:%04o:%s", values.uid.value, values.gid.value,
                values.mode & kPermissions, name_of_type(values.mode));
  return text;
}

}  // namespace cvfs
