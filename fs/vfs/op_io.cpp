#include "vfs/op_io.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vfs/op_open.h"

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

Result<std::size_t> op_write(Mount& mount, HandleId handle, std::span<const std::byte> data,
                             off_t offset, bool append, bool keep_setid) {
  return mount.store->write(TRY(io_of(mount, handle)), data, offset, append, keep_setid);
}

Result<void> op_fsync(Mount& mount, HandleId handle, bool data_only) {
  return mount.store->sync(TRY(io_of(mount, handle)), data_only);
}

Result<void> op_fallocate(Mount& mount, HandleId handle, int mode, off_t offset, off_t length) {
  return mount.store->allocate(TRY(io_of(mount, handle)), mode, offset, length);
}

Result<off_t> op_lseek(Mount& mount, HandleId handle, off_t offset, int whence) {
  return mount.store->seek(TRY(io_of(mount, handle)), offset, whence);
}

Result<std::size_t> op_copy_file_range(Mount& mount, HandleId from, off_t from_offset, HandleId to,
                                       off_t to_offset, std::size_t length) {
  const int source = TRY(io_of(mount, from));
  const int target = TRY(io_of(mount, to));
  return mount.store->copy_range(source, from_offset, target, to_offset, length);
}

bool DirectoryEntry::is_dot() const {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

Result<void> op_readdir(Mount& mount, HandleId handle, off_t cookie, std::size_t bytes,
                        const std::function<bool(const DirectoryEntry&)>& take) {
  const int io = TRY(io_of(mount, handle));
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
