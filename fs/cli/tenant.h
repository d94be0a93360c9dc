// A tenant as the machine has it, and what the commands of `cvfs tenant` have in common. One
// thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/containerdata.h"
#include "cli/fstab.h"
#include "control/running_views.h"
#include "idmap/subordinate_ids.h"

namespace cvfs {

using Json = nlohmann::json;

inline constexpr const char* kContainerdataHelp =
    "where the tenants' trees are; what /etc/cvfs/cvfs.conf says, or /containerdata";

// What was said after --containerdata, or else the default. Refused: what
// control/default_options.h refuses.
Outcome<std::string> containerdata_path(const std::string& said);

struct Tenant {
  std::string name;
  std::string path;
  sys::FileStatus status;  // of the tree
  SubordinateIds ids;
  std::vector<RunningView> views;   // that are mounted here
  std::vector<FstabLine> in_fstab;  // lines for it
  std::vector<std::string> faults;  // what a mount would refuse, or others could misuse

  // As owner= is by default.
  const char* owner_policy() const { return ids.complete() ? "map" : "virtual"; }
};

// Refused: not a name that a tenant can have; not root.
Outcome<void> check_tenant_command(const std::string& name);

// Refused: no such tenant (with the nearest that there is), or what cannot be read.
Outcome<Tenant> find_tenant(const Containerdata& containerdata, const std::string& name);

Json to_json(const Tenant& tenant);
Json to_json(const std::vector<SubordinateRange>& ranges);

// "1500", or "toto" where the user database knows it.
std::string user_text(std::uint32_t uid);
// "0700"
std::string mode_text(mode_t mode);

}  // namespace cvfs
