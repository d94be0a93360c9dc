#include "cli/mount_table.h"

#include <sstream>

#include "base/result.h"
#include "idmap/host_files.h"
#include "idmap/parse_number.h"
#include "sys/mounts.h"

namespace cvfs {
namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// "\040" -> " "
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                           is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!is_escape) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
    i += 3;
  }
  return plain;
}

bool is_below(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory || path.starts_with(directory + '/');
}

std::optional<MountEntry> parse_entry(const std::string& line) {
  std::istringstream fields(line);
  MountEntry entry;
  std::string word;
  std::string device;
  fields >> word >> word >> device >> entry.root >> entry.target >> entry.options;
  while (fields >> word && word != "-") {
  }
  fields >> entry.type >> word >> entry.super_options;
  const std::size_t colon = device.find(':');
  if (!fields || colon == std::string::npos) return {};
  entry.minor = parse_number(std::string_view(device).substr(colon + 1)).value_or(0);
  entry.root = unescaped(entry.root);
  entry.target = unescaped(entry.target);
  return entry;
}

}  // namespace

bool MountEntry::has(std::string_view option) const {
  const std::string wanted = ',' + std::string(option) + ',';
  return (',' + options + ',').find(wanted) != std::string::npos ||
         (',' + super_options + ',').find(wanted) != std::string::npos;
}

bool MountEntry::is_view() const {
  return type == sys::kViewType;
}

std::vector<MountEntry> parse_mountinfo(std::string_view text) {
  std::vector<MountEntry> entries;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    if (auto entry = parse_entry(line)) entries.push_back(std::move(*entry));
  }
  return entries;
}

Outcome<std::vector<MountEntry>> mounts_of_process(int pid) {
  const std::string who = pid == 0 ? "self" : std::to_string(pid);
  const auto contents = TRY(read_host_file("/proc/" + who + "/mountinfo"));
  if (contents) return parse_mountinfo(*contents);
  return refuse(who, "no such process", "docker ps");
}

const MountEntry* mount_of_path(const std::vector<MountEntry>& mounts, const std::string& path) {
  const MountEntry* found = nullptr;
  for (const MountEntry& mount : mounts) {
    const bool is_nearer = found == nullptr || mount.target.size() >= found->target.size();
    if (is_nearer && is_below(path, mount.target)) found = &mount;
  }
  return found;
}

std::string path_on_mount(const MountEntry& mount, const std::string& path) {
  const std::string root = mount.root == "/" ? "" : mount.root;
  const std::string rest = mount.target == "/" ? path : path.substr(mount.target.size());
  const std::string whole = root + rest;
  return whole.empty() ? "/" : whole;
}

}  // namespace cvfs
