#include "vfs/op_io.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <vector>

#include "vfs/op_open.h"
#include "vfs/setid_bits.h"

namespace cvfs {

Result<std::size_t> op_read(Mount& mount, HandleId handle, std::span<std::byte> data,
                            off_t offset) {
  const int io = TRY(io_of(mount, handle));
  std::size_t done = 0;
  while (done < data.size()) {
    const auto got = mount.store->read(io, data.subspan(done), offset + static_cast<off_t>(done));
    if (!got && done == 0) return fail(got.error());
    if (!got || *got == 0) break;
    done += *got;
  }
  return done;
}

namespace {

// What becomes of the setid bits of a file that is written through a handle.
class SetidLoss {
 public:
  static Result<SetidLoss> of(Mount& mount, const Caller& caller, HandleId handle,
                              bool keep_setid) {
    SetidLoss loss;
    loss.keeps_ = keep_setid;
    if (keep_setid && !mount.owners->has_virtual_modes()) return loss;
    loss.node_ = TRY(mount.handles.find(handle))->node;
    loss.file_ = TRY(mount.pin(loss.node_));
    loss.bits_ = TRY(SetidBits::of(mount, caller, loss.node_, *loss.file_, keep_setid));
    return loss;
  }

  // Takes those away that the backing filesystem does not know of, and gives back what it took.
  Result<void> settle(Mount& mount) const {
    if (node_ == 0) return {};
    TRY(mount.owners->before_write(*file_, keeps_));
    return bits_.settle(mount, node_, *file_);
  }

 private:
  NodeId node_ = 0;  // 0: the backing filesystem does it right
  PinnedFile file_;
  SetidBits bits_;
  bool keeps_ = false;
};

// What `action` does with the handle's descriptor needs no right to write: the file may have become
// immutable since it was opened for writing.
template <class Action>
std::invoke_result_t<Action, int> without_writing(Mount& mount, HandleId handle, Action action) {
  const auto io = io_of(mount, handle);
  if (io || io.error().value != EPERM) return action(TRY(io));
  const NodeId node = TRY(mount.handles.find(handle))->node;
  const PinnedFile file = TRY(mount.pin(node));
  const UniqueFd reader = TRY(mount.store->open(*file, O_RDONLY, true));
  return action(reader.get());
}

// How much of `data` stands at the end of the file that began at `end` before the request came
// first: a process that died over it may have come to append all, some or nothing.
Result<std::size_t> appended(Mount& mount, HandleId handle, std::span<const std::byte> data,
                             off_t end) {
  const HandleRecord& record = *TRY(mount.handles.find(handle));
  const PinnedFile file = TRY(mount.pin(record.node));
  const auto reader = mount.store->open(*file, O_RDONLY, true);
  if (!reader) return fail(reader.error());
  std::vector<std::byte> there(data.size());
  std::size_t same = 0;
  for (;;) {
    const auto rest = std::span(there).subspan(same);
    const std::size_t got =
        TRY(mount.store->read(reader->get(), rest, end + static_cast<off_t>(same)));
    if (got == 0) return same;
    if (!std::ranges::equal(rest.first(got), data.subspan(same, got))) return 0;
    same += got;
  }
}

// Not twice: it would stand there twice. The client lets nobody else write to the file meanwhile.
Result<std::size_t> append_once(Mount& mount, Intent& intent, HandleId handle,
                                std::span<const std::byte> data, off_t offset, bool keep_setid) {
  const int io = TRY(io_of(mount, handle));
  std::size_t before = 0;
  if (intent.planned()) {
    before = TRY(appended(mount, handle, data, static_cast<off_t>(intent.detail())));
    if (before == data.size()) return before;
  } else {
    intent.plan(static_cast<std::uint64_t>(TRY(mount.store->seek(io, 0, SEEK_END))));
  }
  const std::size_t put =
      TRY(mount.store->write(io, data.subspan(before), offset, true, keep_setid));
  intent.done();
  return before + put;
}

// A directory's descriptor: that of its handle, or one for now where all that handles may have are
// in use.
Result<int> listing_io(Mount& mount, HandleId handle, UniqueFd& for_now) {
  const HandleRecord& record = *TRY(mount.handles.find(handle));
  if (record.io >= 0 || has_room_for_handle(mount, true, false)) return io_of(mount, handle);
  for_now = TRY(mount.store->open(*TRY(mount.pin(record.node)), record.flags & ~kIsNotHeld, false));
  return for_now.get();
}

}  // namespace

Result<std::size_t> op_write(Mount& mount, Intent& intent, const Caller& caller, HandleId handle,
                             std::span<const std::byte> data, off_t offset, bool append,
                             bool keep_setid) {
  // First, as natively: what cannot be written loses them, too.
  const SetidLoss loss = TRY(SetidLoss::of(mount, caller, handle, keep_setid));
  TRY(loss.settle(mount));
  const auto put =
      append ? append_once(mount, intent, handle, data, offset, keep_setid)
             : mount.store->write(TRY(io_of(mount, handle)), data, offset, false, keep_setid);
  TRY(loss.settle(mount));
  return put;
}

Result<void> op_fsync(Mount& mount, HandleId handle, bool data_only) {
  return without_writing(mount, handle, [&](int io) { return mount.store->sync(io, data_only); });
}

Result<void> op_fallocate(Mount& mount, const Caller& caller, HandleId handle, int mode,
                          off_t offset, off_t length) {
  const bool keep_setid = caller.may_keep_setid();
  const SetidLoss loss = TRY(SetidLoss::of(mount, caller, handle, keep_setid));
  TRY(mount.store->allocate(TRY(io_of(mount, handle)), mode, offset, length, keep_setid));
  return loss.settle(mount);
}

Result<off_t> op_lseek(Mount& mount, HandleId handle, off_t offset, int whence) {
  return without_writing(mount, handle,
                         [&](int io) { return mount.store->seek(io, offset, whence); });
}

Result<std::size_t> op_copy_file_range(Mount& mount, const Caller& caller, HandleId from,
                                       off_t from_offset, HandleId to, off_t to_offset,
                                       std::size_t length) {
  const bool keep_setid = caller.may_keep_setid();
  const int source = TRY(io_of(mount, from));
  const int target = TRY(io_of(mount, to));
  const SetidLoss loss = TRY(SetidLoss::of(mount, caller, to, keep_setid));
  const std::size_t copied =
      TRY(mount.store->copy_range(source, from_offset, target, to_offset, length, keep_setid));
  if (copied > 0) TRY(loss.settle(mount));
  return copied;
}

bool DirectoryEntry::is_dot() const {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

Result<void> op_readdir(Mount& mount, HandleId handle, off_t cookie, std::size_t bytes,
                        const std::function<bool(const DirectoryEntry&)>& take) {
  UniqueFd for_now;
  const int io = TRY(listing_io(mount, handle, for_now));
  alignas(dirent64) std::array<std::byte, 32 * 1024> buffer;
  // An entry with a name of 255 bytes must fit, or the end of the directory would be reported.
  constexpr std::size_t kOneEntry = sizeof(dirent64);
  const std::size_t wanted = std::clamp(bytes, kOneEntry, buffer.size());
  const std::size_t filled =
      TRY(mount.store->read_directory(io, cookie, std::span(buffer).first(wanted)));
  for (std::size_t at = 0; at < filled;) {
    const auto* raw = reinterpret_cast<const dirent64*>(buffer.data() + at);
    if (!take({raw->d_name, raw->d_ino, raw->d_type, raw->d_off})) break;
    at += raw->d_reclen;
  }
  return {};
}

}  // namespace cvfs
