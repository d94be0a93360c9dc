#include "vfs/op_attr.h"

#include "sys/fuse_notification.h"
#include "vfs/claim.h"
#include "vfs/op_open.h"
#include "vfs/setid_bits.h"
#include "vfs/truncation.h"

namespace cvfs {

namespace {

// The engine gives each directory that it makes to container root: that claims nothing.
bool is_engines_chown(Mount& mount, const Caller& caller, const OwnerChange& owner) {
  const bool to_container_root =
      (!owner.uid || owner.uid->value == 0) && (!owner.gid || owner.gid->value == 0);
  return to_container_root && is_hosts_root(mount, caller);
}

// The engine sets the mode that it wanted at mkdir, because it is shown another. Any other mode
// is somebody's wish.
bool is_engines_chmod(Mount& mount, const Caller& caller, mode_t mode) {
  return mode == kEnginesMode && is_hosts_root(mount, caller);
}

Result<void> set_owner(Mount& mount, const Caller& caller, NodeId node, const PinnedFile& file,
                       const AttributeChange& change) {
  OwnerChange owner;
  if (change.uid) owner.uid = TRY(mount.identity->container(*change.uid));
  if (change.gid) owner.gid = TRY(mount.identity->container(*change.gid));
  const auto setid = TRY(SetidBits::of(mount, caller, node, *file, false));
  TRY(mount.owners->set_owner(*file, owner));
  TRY(setid.settle(mount, node, *file));
  if (TRY(mount.inodes.find(node))->unclaimed && !is_engines_chown(mount, caller, owner)) {
    end_unclaimed(mount, node, *file);
  }
  return {};
}

// chown(-1, -1) says nothing to change, and yet takes setid bits away and moves the ctime. The
// client asks the same before somebody writes to a setid file (__remove_privs()), and does not say
// which it is: whoever may not chown changes nothing by it, as the write itself tells what it takes
// away.
Result<void> renew_owner(Mount& mount, const Caller& caller, NodeId node, const PinnedFile& file) {
  const Attributes now = TRY(describe(mount, node, *file));
  if (caller.uid != now.uid && !is_root(mount, caller)) return {};
  return mount.owners->set_owner(*file, {});
}

Result<void> set_mode(Mount& mount, const Caller& caller, NodeId node, const PinnedFile& file,
                      mode_t mode) {
  TRY(mount.owners->set_mode(*file, mode));
  if (TRY(mount.inodes.find(node))->unclaimed && !is_engines_chmod(mount, caller, mode)) {
    end_unclaimed(mount, node, *file);
  }
  return {};
}

Result<void> change_size(Mount& mount, const PinnedFile& file, const AttributeChange& change,
                         HandleId handle) {
  if (handle == 0) return mount.store->set_size(*file, *change.size, change.keep_setid);
  // Through the handle: a file that was opened for writing may be shortened although its mode no
  // longer allows it, on any backing (NFS checks again).
  const int io = TRY(io_of(mount, handle, *file));
  return mount.store->set_open_size(io, *change.size, change.keep_setid);
}

Result<void> set_size(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                      const PinnedFile& file, const AttributeChange& change, HandleId handle) {
  const auto setid = TRY(SetidBits::of(mount, caller, node, *file, change.keep_setid));
  // Afterwards: a file that cannot be truncated keeps its setid bits.
  TRY(truncate_once(mount, intent, *file, static_cast<std::uint64_t>(*change.size),
                    [&] { return change_size(mount, file, change, handle); }));
  TRY(mount.owners->before_write(*file, change.keep_setid));
  return setid.settle(mount, node, *file);
}

}  // namespace

Result<Attributes> op_getattr(Mount& mount, NodeId node) {
  const Attributes attributes = TRY(describe(mount, node, *TRY(mount.pin(node))));
  TRY(check_not_removed(mount, node, attributes.status));
  return attributes;
}

Result<Attributes> op_setattr(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                              const AttributeChange& change, HandleId handle) {
  const PinnedFile file = TRY(mount.pin(node));
  if (change.is_empty()) TRY(renew_owner(mount, caller, node, file));
  if (change.uid || change.gid) TRY(set_owner(mount, caller, node, file, change));
  if (change.size) TRY(set_size(mount, intent, caller, node, file, change, handle));
  if (change.mode) TRY(set_mode(mount, caller, node, file, *change.mode));
  if (change.times) TRY(mount.store->set_times(*file, *change.times));
  Attributes changed = TRY(describe(mount, node, *file));
  if (change.times && changed.status.is_directory()) {
    // Who has it open is shown the listing that the kernel keeps: the next one is read, as it may
    // move the access time from where it is now.
    (void)sys::invalidate_inode(mount.settings.device_fd, node, true);
  }
  // The kernel takes them whatever it has been told since we looked (fuse_do_setattr(), 6.18).
  changed.is_volatile = true;
  return changed;
}

}  // namespace cvfs
