#include "daemon/view_plan.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "daemon/mount_namespace.h"
#include "daemon/mount_target.h"

namespace cvfs {

namespace {

bool is_filesystem(int fd, long magic) {
  struct statfs status {};
  return ::fstatfs(fd, &status) == 0 && status.f_type == magic;
}

// --- the identities

Outcome<Identity> make_identity(const ViewOptions& options, const TenantSource& source,
                                OwnerPolicy& owner) {
  UserNamespaceMap userns =
      TRY(resolve_user_namespace({options.userns, options.uidmap, options.gidmap}));
  const SubordinateIds subordinate = TRY(read_subordinate_ids(source.tenant, source.owner_uid));
  if (owner == OwnerPolicy::kDefault) {
    owner = subordinate.complete() ? OwnerPolicy::kMap : OwnerPolicy::kVirtual;
  }
  if (source.owner_gid == 0 && !options.store_gid) {
    return refuse(source.tenant,
                  "the tenant's directory has root's group, and so would what containers make",
                  "chgrp " + source.tenant + " " + options.containerdata + "/user-" +
                      source.tenant + ", or -o storegid=GID");
  }
  const StoredUid root_uid{options.store_uid.value_or(source.owner_uid)};
  const StoredGid root_gid{options.store_gid.value_or(source.owner_gid)};
  if (owner == OwnerPolicy::kVirtual || owner == OwnerPolicy::kCaller) {
    return Identity(std::move(userns), StoreMap::only_root(root_uid, root_gid));
  }
  if (!subordinate.complete()) {
    return refuse(missing_subordinate_ids(subordinate, source.tenant, source.tenant,
                                          source.owner_uid, "-o owner=virtual"));
  }
  StoreMap store = TRY(StoreMap::make(root_uid, root_gid, subordinate, source.tenant));
  return Identity(std::move(userns), std::move(store));
}

// Is somebody in the containers shown as the host's root who is not root on disk?
bool shows_hosts_root(const IdMap& userns, const IdMap& stored) {
  const auto inside = userns.to_inside(0);
  return inside && stored.to_outside(*inside) != 0U;
}

// There a setuid program that the tenant puts into the tree would run as the host's root, for
// whoever executes it through the view: `suid` is not to be had. No refusal: what is written for
// any filesystem (`mount -o suid,dev`) should mount this one, too.
void restrain_suid(ViewPlan& plan) {
  const UserNamespaceMap& userns = plan.identity->userns();
  const StoreMap& stored = plan.identity->store();
  if ((plan.options.mount_flags & MS_NOSUID) != 0) return;
  if (!shows_hosts_root(userns.uids, stored.uids) && !shows_hosts_root(userns.gids, stored.gids)) {
    return;
  }
  plan.options.mount_flags |= MS_NOSUID;
  plan.suid_denied = true;
}

}  // namespace

Outcome<ViewPlan> plan_view(const MountCommand& command) {
  if (::geteuid() != 0) {
    return refuse({ExitCode::kUsage, command.target, "only root can mount a view",
                   "run it with sudo, or as an fstab entry at boot"});
  }
  ViewPlan plan;
  plan.options = TRY(parse_view_options(command.options, command.sloppy));
  plan.mount_namespace = TRY(open_mount_namespace(command.mount_namespace));
  plan.source = TRY(open_tenant_source(command.source, plan.options.containerdata));
  // As it stands in fstab: `mount -a` and `umount toto:/` compare it.
  const bool is_same = command.source == plan.source.name + ":/";
  plan.mounted_as = is_same ? command.source : plan.source.name;
  plan.target = command.target;
  TRY(in_mount_namespace(plan.mount_namespace.get(),
                         [&] { return check_target(plan.target, plan.source); }));
  plan.owner = plan.options.owner;
  plan.identity =
      std::make_unique<Identity>(TRY(make_identity(plan.options, plan.source, plan.owner)));
  restrain_suid(plan);
  if (is_filesystem(plan.source.directory.get(), OVERLAYFS_SUPER_MAGIC)) plan.stack_depth = 2;
  return plan;
}

}  // namespace cvfs
