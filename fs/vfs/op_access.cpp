#include "vfs/op_access.h"

#include <unistd.h>

namespace cvfs {

namespace {

bool has_container_ids(const Mount& mount, const Caller& caller) {
  return mount.identity->container(caller.uid) && mount.identity->container(caller.gid);
}

bool is_owner(const Mount& mount, const Caller& caller, const Attributes& attributes) {
  return attributes.uid.value != kUnmappedId && has_container_ids(mount, caller);
}

// CAP_DAC_OVERRIDE: everything but running what nobody may run.
bool root_may(mode_t mode, int mask) {
  return (mask & X_OK) == 0 || S_ISDIR(mode) || (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

}  // namespace

Result<void> check_access(Mount& mount, const Caller& caller, NodeId node, int mask) {
  const Attributes attributes = TRY(describe(mount, node, *TRY(mount.pin(node))));
  const mode_t mode = attributes.status.mode;
  const auto wanted = static_cast<mode_t>(mask);
  const bool owns = is_owner(mount, caller, attributes);
  if (owns && is_root(mount, caller) && root_may(mode, mask)) return {};
  const mode_t allowed = owns ? (mode >> 6) & 7 : mode & 7;
  if ((wanted & ~allowed) != 0) return fail(EACCES);
  return {};
}

Result<void> check_owner(Mount& mount, const Caller& caller, NodeId node) {
  const Attributes attributes = TRY(describe(mount, node, *TRY(mount.pin(node))));
  if (!is_owner(mount, caller, attributes)) return fail(EPERM);
  return {};
}

Result<void> check_chown(Mount& mount, const Caller& caller, NodeId node,
                         std::optional<HostUid> uid, std::optional<HostGid> gid) {
  TRY(check_owner(mount, caller, node));
  if (is_root(mount, caller)) return {};
  if (uid && *uid != caller.uid) return fail(EPERM);
  if (gid && !is_in_group(caller, *gid)) return fail(EPERM);
  return {};
}

}  // namespace cvfs
