#include "control/running_views.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "base/result.h"
#include "sys/mounts.h"

namespace cvfs {
namespace {

constexpr const char* kMountinfo = "/proc/self/mountinfo";
constexpr std::string_view kSocketSuffix = ".sock";

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc{} || stop != end) return {};
  return id;
}

bool is_octal(char digit) {
  return digit >= '0' && digit <= '7';
}

// "\040" is a blank (proc(5)): mangle_path() in fs/seq_file.c.
std::string without_escapes(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool is_escape = field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
                           is_octal(field[i + 2]) && is_octal(field[i + 3]);
    if (!is_escape) {
      text += field[i];
      continue;
    }
    const int byte = (field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0');
    text += static_cast<char>(byte);
    i += 3;
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct ViewMount {
  std::uint32_t id = 0;
  bool is_whole = false;  // not a directory of it that is bound elsewhere
  std::string target;
  std::string source;
};

// "36 35 0:53 / /srv/toto rw,noatime shared:1 - fuse.cvfs toto rw,user_id=0"
std::optional<ViewMount> parse_line(std::string_view line) {
  constexpr std::string_view kOptionalFieldsEnd = " - ";
  const std::size_t separator = line.find(kOptionalFieldsEnd);
  if (separator == std::string_view::npos) return {};
  const auto of_mount = split(line.substr(0, separator), ' ');
  const auto of_filesystem = split(line.substr(separator + kOptionalFieldsEnd.size()), ' ');
  if (of_mount.size() < 6 || of_filesystem.size() < 2) return {};
  if (of_filesystem[0] != sys::kViewType) return {};
  const auto device = split(of_mount[2], ':');
  const auto id = device.size() == 2 ? parse_id(device[1]) : std::nullopt;
  if (!id) return {};
  return ViewMount{*id, of_mount[3] == "/", without_escapes(of_mount[4]),
                   without_escapes(of_filesystem[1])};
}

using ViewsById = std::map<std::uint32_t, RunningView>;

void add_mount(ViewsById& views, const ViewMount& mount) {
  RunningView& view = views[mount.id];
  view.id = mount.id;
  view.source = mount.source;
  view.targets.push_back(mount.target);
}

std::vector<RunningView> in_order(const ViewsById& views) {
  std::vector<RunningView> all;
  all.reserve(views.size());
  for (const auto& [id, view] : views) all.push_back(view);
  return all;
}

ViewsById mounted_views(std::string_view mountinfo) {
  std::vector<ViewMount> mounts;  // the older ones first, as the kernel lists them
  for (const std::string_view line : split(mountinfo, '\n')) {
    auto mount = parse_line(line);
    if (mount) mounts.push_back(std::move(*mount));
  }
  // Not std::ranges': clang 14 cannot read libstdc++'s.
  std::stable_partition(mounts.begin(), mounts.end(), [](const auto& m) { return m.is_whole; });
  ViewsById views;
  for (const ViewMount& mount : mounts) add_mount(views, mount);
  return views;
}

Outcome<std::string> read_mountinfo() {
  std::ifstream file(kMountinfo);
  std::ostringstream contents;
  contents << file.rdbuf();
  if (file.is_open() && !file.bad()) return contents.str();
  return refuse(
      OperatorError{ExitCode::kSystem, kMountinfo, "cannot be read", "mount -t proc proc /proc"});
}

Outcome<void> add_sockets(ViewsById& views) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(kControlDirectory), ::closedir);
  if (!directory) {
    if (errno == ENOENT) return {};
    return refuse(OperatorError{ExitCode::kSystem, kControlDirectory, std::strerror(errno), ""});
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(kSocketSuffix)) continue;
    name.remove_suffix(kSocketSuffix.size());
    const auto id = parse_id(name);
    if (!id) continue;
    views[*id].id = *id;
    views[*id].has_socket = true;
  }
  return {};
}

}  // namespace

std::string control_socket_of(std::uint32_t id) {
  return std::string(kControlDirectory) + '/' + std::to_string(id) + std::string(kSocketSuffix);
}

std::vector<RunningView> views_in_mountinfo(std::string_view mountinfo) {
  return in_order(mounted_views(mountinfo));
}

Outcome<std::vector<RunningView>> find_running_views() {
  ViewsById views = mounted_views(TRY(read_mountinfo()));
  TRY(add_sockets(views));
  return in_order(views);
}

}  // namespace cvfs
