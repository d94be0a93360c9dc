#include "vfs/op_remove.h"

#include "vfs/claim.h"

namespace cvfs {

namespace {

bool is_gone(Mount& mount, const File& directory, const char* name) {
  const auto found = mount.store->look_up(directory, name);
  return !found && found.error().value == ENOENT;
}

// 0: there is none.
std::uint64_t inode_at(Mount& mount, const File& directory, const char* name) {
  const auto found = mount.store->look_up(directory, name);
  const auto status = found ? mount.store->status(*found) : Result<FileStatus>(fail(ENOENT));
  return status ? status->inode : 0;
}

template <class Remove>
Result<void> remove_entry(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                          const char* name, Remove remove) {
  const PinnedFile directory = TRY(mount.pin(parent));
  const auto done = exactly_once(
      intent, [&] { return (*mount.store.*remove)(*directory, name); },
      [&] { return is_gone(mount, *directory, name); });
  if (!done) return fail(error_in(mount, caller, parent, *directory, done.error()));
  return {};
}

}  // namespace

Result<void> op_unlink(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name) {
  return remove_entry(mount, intent, caller, parent, name, &Store::unlink);
}

Result<void> op_rmdir(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                      const char* name) {
  return remove_entry(mount, intent, caller, parent, name, &Store::remove_directory);
}

Result<void> op_rename(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, NodeId new_parent, const char* new_name, unsigned flags) {
  const PinnedFile from = TRY(mount.pin(parent));
  const PinnedFile to = TRY(mount.pin(new_parent));
  NewFile whiteout;
  if ((flags & RENAME_WHITEOUT) != 0) {
    whiteout = TRY(mount.owners->new_file(caller, *from, S_IFCHR));
  }
  // Only an exchange and a whiteout leave something under the old name; there it takes the inode
  // number to see whether the rename has been made.
  const bool leaves_a_name = (flags & (RENAME_EXCHANGE | RENAME_WHITEOUT)) != 0;
  std::uint64_t source = 0;
  if (leaves_a_name) source = intent.planned() ? intent.detail() : inode_at(mount, *from, name);
  Claim claim = TRY(Claim::begin(mount, caller, new_parent, to));
  const auto done = exactly_once(
      intent, [&] { return mount.store->rename(*from, name, *to, new_name, flags, whiteout); },
      [&] {
        return leaves_a_name ? inode_at(mount, *to, new_name) == source
                             : is_gone(mount, *from, name);
      },
      source);
  if (!done) {
    const Errno error = error_in(mount, caller, parent, *from, done.error());
    return fail(error_in(mount, caller, new_parent, *to, error));
  }
  claim.settle();
  return {};
}

}  // namespace cvfs
