// TenantSource: what a view serves: a tenant's directory or a directory in it, found without ever
// leaving the tenant's tree. Thread-compatible (a value that owns descriptors).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/operator_error.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs {

struct TenantSource {
  std::string tenant;       // NAME
  std::string path;         // "/" or "/var/log": below the tenant's directory, normalised
  std::string name;         // "toto" or "toto:/var/log": the mount's source in /proc/self/mounts
  std::uint32_t owner_uid;  // owner of user-NAME: the tenant
  std::uint32_t owner_gid;
  UniqueFd tenant_root;  // O_PATH|O_DIRECTORY on CONTAINERDATA/user-NAME
  UniqueFd directory;    // O_RDONLY|O_DIRECTORY on what is served
};

// `spec` is "NAME", "NAME:/PATH" or an absolute path below `containerdata` ("/containerdata/
// user-NAME/PATH", also without symlinks resolved first: /containerdata/user-toto/../user-titi is
// refused, not normalised). Opened with openat2(2) RESOLVE_BENEATH|RESOLVE_NO_MAGICLINKS below the
// tenant's directory; symlinks that stay inside are followed. Refused (one line each, with what to
// do): an empty or malformed NAME (a NAME is what useradd(8) accepts), no containerdata, no such
// tenant, a PATH that is missing, is a file, leads out of the tree (".." or an absolute or climbing
// symlink), goes through a magic link, cannot be opened; user-NAME owned by root (a tenant must be
// a user); user-NAME being a symlink.
Outcome<TenantSource> open_tenant_source(std::string_view spec, const std::string& containerdata);

// O_PATH on user-NAME itself, also where a view is mounted over it: no view is asked. What it is
// (a symlink, a file) is not looked at. ENOENT: no such tenant.
Result<UniqueFd> open_tenant_tree(const UniqueFd& containerdata, const std::string& name);

}  // namespace cvfs
