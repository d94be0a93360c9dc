#include "vfs/op_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

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

Result<void> check(const Mount& mount, const Caller& caller, const Attributes& attributes,
                   int mask) {
  const mode_t mode = attributes.status.mode;
  const auto wanted = static_cast<mode_t>(mask);
  const bool owns = is_owner(mount, caller, attributes);
  if (owns && is_root(mount, caller) && root_may(mode, mask)) return {};
  const mode_t allowed = owns ? (mode >> 6) & 7 : mode & 7;
  if ((wanted & ~allowed) != 0) return fail(EACCES);
  return {};
}

// Its `..` changes with the directory that it is in.
Result<void> check_move(Mount& mount, const Caller& caller, const File& directory,
                        const char* name) {
  const File file = TRY(mount.store->look_up(directory, name));
  const FileStatus status = TRY(mount.store->status(file));
  if (!status.is_directory()) return {};
  return check(mount, caller, TRY(mount.owners->shown(file, status)), W_OK);
}

}  // namespace

Result<void> check_access(Mount& mount, const Caller& caller, NodeId node, int mask) {
  return check(mount, caller, TRY(describe(mount, node, *TRY(mount.pin(node)))), mask);
}

Result<void> check_removal(Mount& mount, const Caller& caller, NodeId directory) {
  const Attributes attributes = TRY(describe(mount, directory, *TRY(mount.pin(directory))));
  TRY(check(mount, caller, attributes, W_OK | X_OK));
  const bool is_sticky = (attributes.status.mode & S_ISVTX) != 0;
  if (is_sticky && !is_owner(mount, caller, attributes)) return fail(EPERM);
  return {};
}

Result<void> check_rename(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                          NodeId new_parent, const char* new_name, unsigned flags) {
  TRY(check_removal(mount, caller, parent));
  if (new_parent == parent) return {};
  TRY(check_removal(mount, caller, new_parent));
  TRY(check_move(mount, caller, *TRY(mount.pin(parent)), name));
  if ((flags & RENAME_EXCHANGE) == 0) return {};
  return check_move(mount, caller, *TRY(mount.pin(new_parent)), new_name);
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
