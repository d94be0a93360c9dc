#include "vfs/op_open.h"

#include <fcntl.h>

#include "vfs/setid_bits.h"
#include "vfs/truncation.h"

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

// chattr(1) +a, of a file that the kernel already has a backing id for. Passed through it could be
// mapped, and written anywhere: the client itself knows nothing of the flag.
bool has_become_append_only(Mount& mount, const File& file, std::int32_t backing, int flags) {
  if (backing == kBackingNone || !is_for_writing(flags) || (flags & O_APPEND) == 0) return false;
  const auto status = mount.store->status(file);
  return !status || status->append_only;
}

// What the backing filesystem does not see it loses at the first write, if that can be had, and now
// otherwise.
Result<void> lose_setid(Mount& mount, const File& file, bool truncates, bool keeps) {
  const bool is_watched = !truncates && mount.owners->watch_setid(file);
  if (is_watched) return {};
  return mount.owners->before_write(file, keeps);
}

Result<UniqueFd> open_once(Mount& mount, Intent& intent, const File& file, int flags,
                           bool keep_setid) {
  if ((flags & O_TRUNC) == 0) return mount.store->open(file, flags, keep_setid);
  UniqueFd io;
  TRY(truncate_once(mount, intent, file, 0, [&]() -> Result<void> {
    io = TRY(mount.store->open(file, flags, keep_setid));
    return {};
  }));
  if (!io) io = TRY(mount.store->open(file, flags & ~O_TRUNC, keep_setid));
  return io;
}

// The backing file, open for what `flags` say; nothing where the kernel needs nobody to do that.
Result<UniqueFd> open_backing(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                              const File& file, std::int32_t backing, int flags, bool keep_setid) {
  const bool is_unseen = backing != kBackingNone && is_for_writing(flags);
  const bool truncates = (flags & O_TRUNC) != 0;
  const bool loses_setid = is_unseen || truncates;
  // Under passthrough the kernel does not say at open(2) who writes with CAP_FSETID later.
  const bool keeps = keep_setid && (!is_unseen || caller.may_keep_setid());
  SetidBits setid;
  if (loses_setid) setid = TRY(SetidBits::of(mount, caller, node, file, keeps));
  UniqueFd io;
  // The kernel's own open of a file that it passes through checks neither append-only nor a
  // read-only mount nor a running program, and makes EIO of what it does find: we ask first.
  if (backing == kBackingNone || is_for_writing(flags) || truncates) {
    io = TRY(open_once(mount, intent, file, flags, keep_setid));
  }
  if (loses_setid) {
    TRY(lose_setid(mount, file, truncates, keeps));
    TRY(setid.settle(mount, node, file));
  }
  return io;
}

}  // namespace

bool has_room_for_handle(const Mount& mount, bool is_directory, bool has_io) {
  const std::size_t in_use = mount.files->held() + mount.handles.ios();
  return in_use + (has_io ? 2 : 1) <= mount.settings.handles.allowed(is_directory);
}

Result<OpenedFile> op_open(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                           int flags, bool keep_setid) {
  const PinnedFile file = TRY(mount.pin(node));
  InodeRecord& record = *TRY(mount.inodes.find(node));
  const std::int32_t backing = mount.passthrough->backing_of(record, *file, *mount.store);
  UniqueFd io = TRY(open_backing(mount, intent, caller, node, *file, backing, flags, keep_setid));
  if (has_become_append_only(mount, *file, backing, flags)) {
    // What can also be read can be mapped. The kernel makes EIO of it while others have the file
    // open passed through (fuse_file_io_open()): where nothing can be mapped, it may have the id.
    const bool can_be_mapped = (flags & O_ACCMODE) == O_RDWR;
    HandleRef handle = TRY(add_handle(mount, intent, node, *file, std::move(io), flags));
    return OpenedFile{std::move(handle), can_be_mapped ? kBackingNone : backing, true};
  }
  if (backing != kBackingNone) {
    note_mappable(mount, node, record, flags);
    io.reset();  // most files that are passed through never need it
  }
  return OpenedFile{TRY(add_handle(mount, intent, node, *file, std::move(io), flags)), backing};
}

Result<OpenedFile> op_opendir(Mount& mount, Intent& intent, NodeId node, int flags) {
  const PinnedFile file = TRY(mount.pin(node));
  const FileStatus status = TRY(mount.store->status(*file));
  TRY(check_not_removed(mount, node, status));
  // A listing that the kernel has kept needs no descriptor, nor does who only comes from there.
  const int opened = O_RDONLY | O_DIRECTORY | (flags & O_NOATIME);
  if (!has_room_for_handle(mount, true, false)) {
    // Whatever is open, trees can be walked through: it is opened by its id each time. What this
    // view removes meanwhile is kept (vfs/kept_file); only what the host removes is ESTALE.
    const HandleId added = TRY(mount.handles.add(node, {}, opened | kIsNotHeld));
    intent.opened(added);
    return OpenedFile{HandleRef(mount, added)};
  }
  HandleRef handle = TRY(add_handle(mount, intent, node, *file, {}, opened));
  const bool is_alone = mount.files->holds(node) == 1;
  const bool moves_time =
      (flags & O_NOATIME) == 0 && mount.store->listing_moves_time(*file, status);
  return OpenedFile{std::move(handle), kBackingNone, false, is_alone, is_alone && !moves_time};
}

Result<OpenedFile> open_with(Mount& mount, Intent& intent, NodeId node, UniqueFd io, int flags) {
  const PinnedFile file = TRY(mount.pin(node));
  InodeRecord& record = *TRY(mount.inodes.find(node));
  const std::int32_t backing = mount.passthrough->backing_of(record, *file, *mount.store);
  if (backing != kBackingNone) {
    note_mappable(mount, node, record, flags);
    io.reset();
    if (is_for_writing(flags)) (void)mount.owners->watch_setid(*file);
  }
  return OpenedFile{TRY(add_handle(mount, intent, node, *file, std::move(io), flags)), backing};
}

void op_release(Mount& mount, HandleId handle) {
  const auto closed = mount.handles.remove(handle);
  if (closed && closed->was_held) mount.files->unhold(closed->node);
}

Result<int> io_of(Mount& mount, HandleId handle, const File& file) {
  HandleRecord& record = *TRY(mount.handles.find(handle));
  const int known = record.io.load(std::memory_order_acquire);
  if (known >= 0) return known;
  constexpr int kOnlyOnce = O_TRUNC | O_CREAT | O_EXCL;
  const int flags = record.flags & ~(kOnlyOnce | kIsNotHeld);
  auto opened = mount.store->open(file, flags, true);
  // It may have become append-only since.
  if (!opened && opened.error().value == EPERM) {
    opened = mount.store->open(file, flags | O_APPEND, true);
  }
  return mount.handles.set_io(record, TRY(std::move(opened)));
}

Result<int> io_of(Mount& mount, HandleId handle) {
  HandleRecord& record = *TRY(mount.handles.find(handle));
  const int known = record.io.load(std::memory_order_acquire);
  if (known >= 0) return known;
  return io_of(mount, handle, *TRY(mount.pin(record.node)));
}

}  // namespace cvfs
