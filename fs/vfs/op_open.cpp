#include "vfs/op_open.h"

#include <fcntl.h>

#include "vfs/setid_bits.h"

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

bool is_for_writing(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY;
}

// What the backing filesystem does not see it loses at the first write, if that can be had, and now
// otherwise.
Result<void> lose_setid(Mount& mount, const File& file, bool truncates, bool keeps) {
  const bool is_watched = !truncates && mount.owners->watch_setid(file);
  if (is_watched) return {};
  return mount.owners->before_write(file, keeps);
}

}  // namespace

bool has_room_for_handle(const Mount& mount, bool is_directory, bool has_io) {
  return mount.handles.open() < mount.settings.handles.allowed(is_directory, has_io);
}

Result<OpenedFile> op_open(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                           int flags, bool keep_setid) {
  const PinnedFile file = TRY(mount.pin(node));
  const std::int32_t backing = mount.passthrough->backing_of(*TRY(mount.inodes.find(node)), *file);
  // The kernel's own open of a file that it passes through checks neither append-only nor a
  // read-only mount nor a running program, and makes EIO of what it does find: we ask first.
  const bool is_unseen = backing != kBackingNone && is_for_writing(flags);
  const bool loses_setid = is_unseen || (flags & O_TRUNC) != 0;
  // Under passthrough the kernel does not say at open(2) who writes with CAP_FSETID later.
  const bool keeps = keep_setid && (!is_unseen || caller.may_keep_setid());
  SetidBits setid;
  if (loses_setid) setid = TRY(SetidBits::of(mount, caller, node, *file, keeps));
  UniqueFd io;
  if (backing == kBackingNone || is_for_writing(flags) || (flags & O_TRUNC) != 0) {
    io = TRY(mount.store->open(*file, flags, keep_setid));
  }
  if (loses_setid) {
    TRY(lose_setid(mount, *file, (flags & O_TRUNC) != 0, keeps));
    TRY(setid.settle(mount, node, *file));
  }
  if (backing != kBackingNone) io.reset();  // most files that are passed through never need it
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
  const std::int32_t backing = mount.passthrough->backing_of(*TRY(mount.inodes.find(node)), *file);
  if (backing != kBackingNone) {
    io.reset();
    if (is_for_writing(flags)) (void)mount.owners->watch_setid(*file);
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
  const int flags = record.flags & ~kOnlyOnce;
  auto opened = mount.store->open(file, flags, true);
  // It may have become append-only since.
  if (!opened && opened.error().value == EPERM) {
    opened = mount.store->open(file, flags | O_APPEND, true);
  }
  return HandleTable::set_io(record, TRY(std::move(opened)));
}

Result<int> io_of(Mount& mount, HandleId handle) {
  HandleRecord& record = *TRY(mount.handles.find(handle));
  const int known = record.io.load(std::memory_order_acquire);
  if (known >= 0) return known;
  return io_of(mount, handle, *TRY(mount.pin(record.node)));
}

}  // namespace cvfs
