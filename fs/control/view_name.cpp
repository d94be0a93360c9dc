#include "control/view_name.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/result.h"
#include "control/edit_distance.h"
#include "control/printable.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;
using Views = std::vector<RunningView>;

Views those(const Views& views, const std::function<bool(const RunningView&)>& is_meant) {
  Views found;
  std::ranges::copy_if(views, std::back_inserter(found), is_meant);
  return found;
}

Views at(const Views& views, const std::string& target) {
  return those(views, [&](const RunningView& view) {
    return std::ranges::find(view.targets, target) != view.targets.end();
  });
}

// "toto:/" is the same as "toto" (TenantSource::name).
std::string as_source(const std::string& name) {
  return name.ends_with(":/") ? name.substr(0, name.size() - 2) : name;
}

bool is_below(const std::string& path, const std::string& target) {
  return target == "/" || path == target || path.starts_with(target + '/');
}

const std::string* target_above(const std::string& path, const Views& views) {
  const std::string* longest = nullptr;
  for (const RunningView& view : views) {
    for (const std::string& target : view.targets) {
      const bool is_longer = longest == nullptr || target.size() > longest->size();
      if (is_longer && is_below(path, target)) longest = &target;
    }
  }
  return longest;
}

// Without "." and "..", and without a slash at the end; "" for what is no path.
std::string normal(const std::string& name) {
  std::error_code error;
  const fs::path path = fs::absolute(name, error);  // getcwd(2) alone
  if (error) return "";
  std::string text = path.lexically_normal();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// The last component may be a view that hangs: only what leads there is resolved, and not that
// either where it passes a view.
std::string resolved(const std::string& path, const Views& views) {
  if (target_above(path, views) != nullptr) return path;
  std::error_code error;
  const fs::path parent = fs::canonical(fs::path(path).parent_path(), error);
  return error ? path : (parent / fs::path(path).filename()).string();
}

std::string suggestion(const std::string& name, const std::string& path, const Views& views) {
  if (const std::string* above = target_above(path, views)) return "cvfs status " + *above;
  std::size_t best = largest_slip(name) + 1;
  std::string nearest;
  const auto consider = [&](const std::string& typed, const std::string& known) {
    const std::size_t distance = edit_distance(typed, known);
    if (distance >= best) return;
    best = distance;
    nearest = known;
  };
  for (const RunningView& view : views) {
    if (view.is_mounted()) consider(name, view.source);
    for (const std::string& target : view.targets) consider(path, target);
  }
  return nearest.empty() ? "cvfs status" : "cvfs status " + nearest;
}

}  // namespace

Outcome<std::vector<RunningView>> views_named(const std::string& name,
                                              const std::vector<RunningView>& views) {
  Views found = those(views, [&](const auto& view) { return std::to_string(view.id) == name; });
  if (found.empty()) {
    found = those(views, [source = as_source(name)](const auto& view) {
      return view.is_mounted() && as_source(view.source) == source;
    });
  }
  const std::string path = normal(name);
  if (found.empty()) found = at(views, path);
  if (found.empty()) found = at(views, resolved(path, views));
  if (!found.empty()) return found;
  return refuse(printable(name), "no such view", printable(suggestion(name, path, views)));
}

std::string name_of(const RunningView& view) {
  return view.is_mounted() ? printable(view.targets.front()) : "view " + std::to_string(view.id);
}

}  // namespace cvfs
