#include "remount.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "control/control_client.h"
#include "control/control_message.h"
#include "control/running_views.h"
#include "control/view_name.h"
#include "control/view_options.h"

namespace cvfs {
namespace {

std::vector<std::string> items_of(const std::string& options) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at < options.size(); at += items.back().size() + 1) {
    items.push_back(options.substr(at, options.find(',', at) - at));
  }
  return items;
}

// Flags are single words. What has a value is cvfs' own, or the kernel's (user_id=0).
std::string flags_among(const std::string& options) {
  std::string flags;
  for (const std::string& item : items_of(options)) {
    if (item == "remount" || item.find('=') != std::string::npos) continue;
    flags.append(flags.empty() ? "" : ",").append(item);
  }
  return flags;
}

// The last one of several, which is mounted over the others.
Outcome<std::optional<RunningView>> view_at(const std::string& target) {
  std::optional<RunningView> found;
  for (RunningView& view : TRY(find_running_views())) {
    if (std::ranges::find(view.targets, target) != view.targets.end()) found = std::move(view);
  }
  return found;
}

// What `cvfs set` changes, too. What comes along from fstab and is so already changes nothing.
bool is_setting(const std::string& item) {
  const std::string name = item.substr(0, item.find('='));
  return item.size() > name.size() &&
         (name == "log" || name == "debug" || name == "cache" || name == "hang");
}

Outcome<void> change_setting(const RunningView& view, const std::string& item) {
  constexpr int kTimeoutMs = 5000;
  ControlCommand command{ControlVerb::kSet};
  command.name = item.substr(0, item.find('='));
  command.value = item.substr(command.name.size() + 1);
  const auto line = ask_view(control_socket_of(view.id), to_line(command), kTimeoutMs);
  if (!line) {
    return refuse(name_of(view),
                  std::string("cannot be asked: ") + std::strerror(line.error().value),
                  "cvfs status " + name_of(view));
  }
  TRY(parse_reply(*line));
  return {};
}

Outcome<void> change_settings(const RunningView& view, const std::string& options) {
  for (const std::string& item : items_of(options)) {
    if (is_setting(item)) TRY(change_setting(view, item));
  }
  return {};
}

// What the worker was not made for (devices), or what was not to be had (suid), is not given later.
unsigned long kept_flags(const struct statvfs& status) {
  unsigned long kept = 0;
  if ((status.f_flag & ST_NOSUID) != 0) kept |= MS_NOSUID;
  if ((status.f_flag & ST_NODEV) != 0) kept |= MS_NODEV;
  return kept;
}

}  // namespace

bool asks_for_remount(const std::string& options) {
  for (const std::string& item : items_of(options)) {
    if (item == "remount") return true;
  }
  return false;
}

Outcome<void> remount_view(const std::string& target, const std::string& options) {
  const ViewOptions wanted = TRY(parse_view_options(flags_among(options), true));
  const auto view = TRY(view_at(target));
  if (!view) return refuse(target, "no view is mounted here", "cvfs status");
  struct statvfs status {};
  if (::statvfs(target.c_str(), &status) < 0) return refuse(target, std::strerror(errno));
  const unsigned long flags = wanted.mount_flags | kept_flags(status) | MS_REMOUNT;
  if (::mount("none", target.c_str(), nullptr, flags, nullptr) == 0) {
    return change_settings(*view, options);
  }
  return refuse(target, std::string("cannot remount: ") + std::strerror(errno),
                errno == EBUSY ? "fuser -vm " + target : "");
}

}  // namespace cvfs
