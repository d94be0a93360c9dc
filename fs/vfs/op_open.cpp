#include "vfs/op_open.h"

#include <fcntl.h>

namespace cvfs {

namespace {

// From here on the inode's reference stays until the handle is closed: an unlinked file could not
// be opened again by its id.
Result<HandleRef> add_handle(Mount& mount, Intent& intent, NodeId node, const File& file,
                             UniqueFd io, int flags) {
  // The rest of the descriptors is for looking up, for removing and, a part, for listing.
  const bool is_directory = (flags & O_DIRECTORY) != 0;
  if (!has_room_for_handle(mount, is_directory, static_cast<bool>(io))) return fail(ENFILE);
  mount.files->hold(node);
  TRY(mount.inodes.find(node))->held_fd = file.fd();
  const auto added = mount.handles.add(node, std::move(io), flags);
  if (!added) {
    mount.files->unhold(node);
    return fail(added.error());
  }
  intent.opened(*added);
  return HandleRef(mount, *added);
}

// Stores by a shared mapping are told to nobody, and it outlives the handle: from now on the kernel
// does not believe the attributes for long, nor those that it has.
void note_mappable(Mount& mount, NodeId node, InodeRecord& record, int flags) {
  if (mount.settings.watched_mount == 0 || (flags & O_ACCMODE) != O_RDWR) return;
  if (!record.may_be_mapped.exchange(true)) ask_again(mount, node);
}

bool is_for_writing(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

bool has_room_for_handle(const Mount& mount, bool is_directory, bool has_io) {
  return mount.handles.open() < mount.settings.handles.allowed(is_directory, has_io);
}

Result<OpenedFile> op_open(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                           int flags, bool keep_setid) {
  const PinnedFile file = TRY(mount.pin(node));
  InodeRecord& record = *TRY(mount.inodes.find(node));
  const std::int32_t backing = mount.passthrough->backing_of(record, *file);
  // The kernel's own open of a file that it passes through checks neither append-only nor a
  // read-only mount nor a running program, and makes EIO of what it does find: we ask first.
  UniqueFd io;
  if (backing == kBackingNone || is_for_writing(flags) || (flags & O_TRUNC) != 0) {
    io = TRY(mount.store->open(*file, flags, keep_setid));
  }
  if (backing != kBackingNone && is_for_writing(flags)) {
    // We see no write of it, and the kernel does not say at open(2) who writes with CAP_FSETID
    // later.
    TRY(mount.owners->before_write(*file, caller.may_keep_setid() && keep_setid));
  } else if ((flags & O_TRUNC) != 0) {
    TRY(mount.owners->before_write(*file, keep_setid));
  }
  if (backing != kBackingNone) {
    note_mappable(mount, node, record, flags);
    io.reset();  // most files that are passed through never need it
  }
  return OpenedFile{TRY(add_handle(mount, intent, node, *file, std::move(io), flags)), backing};
}

Result<OpenedFile> op_opendir(Mount& mount, Intent& intent, NodeId node) {
  const PinnedFile file = TRY(mount.pin(node));
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  UniqueFd io = TRY(mount.store->open(*file, kFlags, false));
  return OpenedFile{TRY(add_handle(mount, intent, node, *file, std::move(io), kFlags)),
                    kBackingNone};
}

Result<OpenedFile> open_with(Mount& mount, Intent& intent, NodeId node, UniqueFd io, int flags) {
  const PinnedFile file = TRY(mount.pin(node));
  InodeRecord& record = *TRY(mount.inodes.find(node));
  const std::int32_t backing = mount.passthrough->backing_of(record, *file);
  if (backing != kBackingNone) {
    note_mappable(mount, node, record, flags);
    io.reset();
  }
  return OpenedFile{TRY(add_handle(mount, intent, node, *file, std::move(io), flags)), backing};
}

void op_release(Mount& mount, HandleId handle) {
  if (const auto node = mount.handles.remove(handle)) mount.files->unhold(*node);
}

Result<int> io_of(Mount& mount, HandleId handle, const File& file) {
  HandleRecord& record = *TRY(mount.handles.find(handle));
  const int known = record.io.load(std::memory_order_acquire);
  if (known >= 0) return known;
  constexpr int kOnlyOnce = O_TRUNC | O_CREAT | O_EXCL;
  return HandleTable::set_io(record, TRY(mount.store->open(file, record.flags & ~kOnlyOnce, true)));
}

Result<int> io_of(Mount& mount, HandleId handle) {
  HandleRecord& record = *TRY(mount.handles.find(handle));
  const int known = record.io.load(std::memory_order_acquire);
  if (known >= 0) return known;
  return io_of(mount, handle, *TRY(mount.pin(record.node)));
}

}  // namespace cvfs
