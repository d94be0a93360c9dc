#include "cli/tenant.h"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/result.h"
#include "cli/tenant_ids.h"
#include "control/default_options.h"
#include "control/edit_distance.h"
#include "control/printable.h"
#include "control/tenant_name.h"
#include "control/view_options.h"

namespace cvfs {
namespace {

std::string nearest_tenant(const Containerdata& containerdata, const std::string& name) {
  const auto names = containerdata.tenants();
  std::size_t best = largest_slip(name) + 1;
  std::string nearest;
  for (const std::string& known : names.value_or(std::vector<std::string>())) {
    const std::size_t distance = edit_distance(name, known);
    if (distance >= best) continue;
    best = distance;
    nearest = known;
  }
  return nearest;
}

std::vector<RunningView> views_of(const std::string& name) {
  std::vector<RunningView> views;
  const auto all = find_running_views();
  if (!all) return views;
  for (const RunningView& view : *all) {
    if (view.is_mounted() && tenant_of_source(view.source) == name) views.push_back(view);
  }
  return views;
}

std::vector<FstabLine> fstab_lines_of(const std::string& name) {
  std::vector<FstabLine> lines;
  for (FstabLine& line : read_fstab()) {
    if (line.is_view() && tenant_of_source(line.source) == name) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> faults_of(const Tenant& tenant) {
  std::vector<std::string> faults;
  const sys::FileStatus& status = tenant.status;
  if (!status.is_directory()) {
    faults.emplace_back(status.is_symlink() ? "is a symlink" : "is no directory");
    return faults;
  }
  if (status.uid == 0) faults.emplace_back("belongs to root, and no view can be mounted");
  if (status.gid == 0) faults.emplace_back("has root's group, and no view can be mounted");
  if ((status.mode & S_IWOTH) != 0) faults.emplace_back("everybody on the host may write there");
  const auto user = find_user(std::to_string(status.uid));
  if (user && !user->is_known) faults.emplace_back("belongs to a uid that is no user's");
  if (user && user->is_known) {
    const auto apart = check_no_overlap(*user);
    if (!apart) faults.push_back(apart.error().object + ": " + apart.error().what);
  }
  return faults;
}

Json targets_of(const Tenant& tenant) {
  Json views = Json::array();
  for (const RunningView& view : tenant.views) {
    views.push_back({{"id", view.id}, {"source", view.source}, {"target", view.targets.front()}});
  }
  return views;
}

}  // namespace

Outcome<std::string> containerdata_path(const std::string& said) {
  if (!said.empty()) return said;
  return TRY(parse_view_options(TRY(read_default_options()))).containerdata;
}

Outcome<void> check_tenant_command(const std::string& name) {
  if (::geteuid() != 0) {
    return refuse(OperatorError{ExitCode::kUsage, "", "only root may look after tenants",
                                "sudo cvfs tenant ..."});
  }
  if (is_tenant_name(name)) return {};
  return refuse(OperatorError{ExitCode::kUsage, printable(name), "is not a tenant's name",
                              "a login name, as toto"});
}

Outcome<Tenant> find_tenant(const Containerdata& containerdata, const std::string& name) {
  const auto status = TRY(containerdata.status_of(name));
  if (!status) {
    const std::string nearest = nearest_tenant(containerdata, name);
    return refuse(containerdata.path_of(name), "no such tenant",
                  nearest.empty() ? "cvfs tenant list" : nearest);
  }
  Tenant tenant{name, containerdata.path_of(name), *status, {}, {}, {}, {}};
  tenant.ids = TRY(read_subordinate_ids(name, status->uid));
  tenant.views = views_of(name);
  tenant.in_fstab = fstab_lines_of(name);
  tenant.faults = faults_of(tenant);
  return tenant;
}

Json to_json(const std::vector<SubordinateRange>& ranges) {
  Json all = Json::array();
  for (const auto& range : ranges) all.push_back({{"start", range.start}, {"count", range.count}});
  return all;
}

Json to_json(const Tenant& tenant) {
  Json fstab = Json::array();
  for (const FstabLine& line : tenant.in_fstab) fstab.push_back(line.target);
  return {{"name", tenant.name},
          {"path", tenant.path},
          {"uid", tenant.status.uid},
          {"gid", tenant.status.gid},
          {"mode", mode_text(tenant.status.mode)},
          {"subuids", to_json(tenant.ids.uids)},
          {"subgids", to_json(tenant.ids.gids)},
          {"owner", tenant.owner_policy()},
          {"views", targets_of(tenant)},
          {"fstab", std::move(fstab)},
          {"faults", tenant.faults}};
}

std::string user_text(std::uint32_t uid) {
  const auto user = find_user(std::to_string(uid));
  return user && user->is_known ? printable(user->name) : std::to_string(uid);
}

std::string mode_text(mode_t mode) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%04o", mode & sys::kPermissionBits);
  return text.data();
}

}  // namespace cvfs
