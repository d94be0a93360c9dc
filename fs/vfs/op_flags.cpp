#include "vfs/op_flags.h"

#include "vfs/op_open.h"

namespace cvfs {

namespace {

// What is to be changed, by whom it may be.
struct Rule {
  std::uint32_t owners;
  std::uint32_t hosts;
};

constexpr Rule kFlags{FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_DIRSYNC_FL | FS_NOCOW_FL,
                      FS_IMMUTABLE_FL | FS_APPEND_FL | FS_PROJINHERIT_FL};
constexpr Rule kExtendedFlags{FS_XFLAG_NODUMP | FS_XFLAG_NOATIME | FS_XFLAG_SYNC,
                              FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_PROJINHERIT};

// Of how a file is laid out and stored; they are no wish of anybody's, and who replaces all flags
// (`chattr =`, or a program that sets 0) does not mean them. ext4 would even change the layout.
constexpr std::uint32_t kLayout =
    FS_EXTENT_FL | FS_INDEX_FL | FS_INLINE_DATA_FL | FS_HUGE_FILE_FL | FS_EA_INODE_FL;

// What XFS says of a file and lets nobody change; the kernel gives them to nobody either.
constexpr std::uint32_t kToldOnly = FS_XFLAG_PREALLOC | FS_XFLAG_HASATTR;

Result<void> check_change(const Caller& caller, const Rule& rule, std::uint32_t changed) {
  if ((changed & ~(rule.owners | rule.hosts)) != 0) return fail(EOPNOTSUPP);
  if ((changed & rule.hosts) != 0 && caller.uid.value != 0) return fail(EPERM);
  return {};
}

}  // namespace

Result<std::uint32_t> op_get_flags(Mount& mount, HandleId handle) {
  return mount.store->flags(TRY(io_of(mount, handle)));
}

Result<fsxattr> op_get_extended_flags(Mount& mount, HandleId handle) {
  return mount.store->extended_flags(TRY(io_of(mount, handle)));
}

Result<void> op_set_flags(Mount& mount, const Caller& caller, HandleId handle,
                          std::uint32_t flags) {
  const int io = TRY(io_of(mount, handle));
  const std::uint32_t before = TRY(mount.store->flags(io));
  const std::uint32_t wanted = flags | (before & kLayout);
  TRY(check_change(caller, kFlags, wanted ^ before));
  TRY(mount.store->set_flags(io, wanted));
  ask_again(mount, TRY(mount.handles.find(handle))->node);
  return {};
}

Result<void> op_set_extended_flags(Mount& mount, const Caller& caller, HandleId handle,
                                   const fsxattr& flags) {
  const int io = TRY(io_of(mount, handle));
  const fsxattr before = TRY(mount.store->extended_flags(io));
  const std::uint32_t changed = (flags.fsx_xflags ^ before.fsx_xflags) & ~kToldOnly;
  TRY(check_change(caller, kExtendedFlags, changed));
  if (flags.fsx_projid != before.fsx_projid) return fail(EPERM);
  if (flags.fsx_extsize != before.fsx_extsize || flags.fsx_cowextsize != before.fsx_cowextsize) {
    return fail(EOPNOTSUPP);
  }
  TRY(mount.store->set_extended_flags(io, flags));
  ask_again(mount, TRY(mount.handles.find(handle))->node);
  return {};
}

}  // namespace cvfs
