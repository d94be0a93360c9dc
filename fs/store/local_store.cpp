#include "store/local_store.h"

#include <dirent.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <type_traits>

#include "sys/credentials.h"
#include "sys/xattr.h"

namespace cvfs {

using sys::CreateAs;

namespace {

constexpr mode_t kPermissionBits = 07777;

CreateAs as(const NewFile& wanted) {
  return CreateAs(wanted.uid.value, wanted.gid.value, wanted.umask);
}

// What open(2) is told on the caller's behalf, without what the kernel has already done for it.
// O_APPEND: the FUSE client places each write itself. O_DIRECT: our buffers are not aligned for it.
// O_NOFOLLOW: would refuse /proc/self/fd. O_NOCTTY and O_NONBLOCK are for devices and pipes.
int backing_flags(int flags) {
  return flags & ~(O_APPEND | O_CREAT | O_EXCL | O_DIRECT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
}

// Runs `call` with CAP_FSETID if `keep_setid`, without it otherwise.
template <class Call>
std::invoke_result_t<Call> with_setid_rule(bool keep_setid, Call call) {
  if (!keep_setid) return call();
  const sys::KeepSetid guard;
  return call();
}

}  // namespace

bool operator==(const FileId& a, const FileId& b) {
  return a.inode == b.inode && a.device == b.device && a.handle.type == b.handle.type &&
         a.handle.size == b.handle.size &&
         std::memcmp(a.handle.bytes, b.handle.bytes, a.handle.size) == 0;
}

Result<LocalStore> LocalStore::open(UniqueFd directory) {
  const auto status = TRY(sys::status_of(directory.get()));
  if (!status.is_directory()) return fail(ENOTDIR);
  return LocalStore(std::move(directory), status.mount_id);
}

// --- finding

Result<File> LocalStore::root() {
  return File(TRY(sys::reopen(directory_.get(), O_PATH)));
}

Result<File> LocalStore::look_up(const File& directory, const char* name) {
  return File(TRY(sys::open_name(directory.fd(), name, O_PATH)));
}

Result<File> LocalStore::open_id(const FileId& id) {
  if (!id.can_reopen()) return fail(ESTALE);
  return File(TRY(sys::open_by_handle(directory_.get(), id.handle, O_PATH | O_NOFOLLOW)));
}

Result<FileStatus> LocalStore::status(const File& file) {
  return sys::status_of(file.fd());
}

FileId LocalStore::id_of(const File& file, const FileStatus& status) {
  FileId id;
  id.device = status.device;
  id.inode = status.inode;
  if (status.mount_id == mount_id_) {
    // A filesystem without handles is served by keeping its files open.
    if (auto handle = sys::handle_of(file.fd())) id.handle = *handle;
  }
  return id;
}

Result<std::string> LocalStore::read_link(const File& file) {
  return sys::read_link(file.fd());
}

Result<struct statvfs> LocalStore::filesystem_status(const File& file) {
  return sys::filesystem_status(file.fd());
}

// --- making and removing names

Result<CreatedFile> LocalStore::create(const File& directory, const char* name, int flags,
                                       const NewFile& wanted) {
  if (wanted.xattr != nullptr) return create_labelled(directory, name, flags, wanted);
  CreatedFile created;
  {
    const CreateAs guard = as(wanted);
    created.io = TRY(sys::open_name(directory.fd(), name, backing_flags(flags) | O_CREAT | O_EXCL,
                                    wanted.mode & kPermissionBits));
  }
  // Through the open file, not by name: the name may be somebody else's by now.
  created.file = File(TRY(sys::reopen(created.io.get(), O_PATH)));
  return created;
}

// Without a name until it has its attribute, so that nobody ever sees it without.
Result<CreatedFile> LocalStore::create_labelled(const File& directory, const char* name, int flags,
                                                const NewFile& wanted) {
  CreatedFile created = TRY(create_unnamed(directory, flags, wanted));
  TRY(link(created.file, directory, name));
  return created;
}

Result<CreatedFile> LocalStore::create_unnamed(const File& directory, int flags,
                                               const NewFile& wanted) {
  // O_TMPFILE wants to write; O_EXCL would forbid a later link(2), which the client sees to.
  const bool read_only = (flags & O_ACCMODE) == O_RDONLY;
  const int opened = backing_flags(read_only ? flags | O_RDWR : flags) | O_TMPFILE;
  CreatedFile created;
  {
    const CreateAs guard = as(wanted);
    created.io = TRY(sys::open_name(directory.fd(), ".", opened, wanted.mode & kPermissionBits));
  }
  created.file = File(TRY(sys::reopen(created.io.get(), O_PATH)));
  TRY(complete(created.file, wanted));
  return created;
}

Result<File> LocalStore::make_directory(const File& directory, const char* name,
                                        const NewFile& wanted) {
  {
    const CreateAs guard = as(wanted);
    TRY(succeeded(::mkdirat(directory.fd(), name, wanted.mode & kPermissionBits)));
  }
  return made(directory, name, wanted);
}

Result<File> LocalStore::make_node(const File& directory, const char* name, dev_t device,
                                   const NewFile& wanted) {
  {
    const CreateAs guard = as(wanted);
    TRY(succeeded(::mknodat(directory.fd(), name, wanted.mode, device)));
  }
  return made(directory, name, wanted);
}

Result<File> LocalStore::make_symlink(const File& directory, const char* name, const char* target,
                                      const NewFile& wanted) {
  {
    const CreateAs guard = as(wanted);
    TRY(succeeded(::symlinkat(target, directory.fd(), name)));
  }
  return made(directory, name, wanted);
}

Result<void> LocalStore::complete(const File& file, const NewFile& wanted) {
  if (wanted.xattr == nullptr) return {};
  return set_xattr(file, wanted.xattr, std::as_bytes(std::span(wanted.xattr_value)), 0);
}

// The FUSE client holds the directory's lock until we have answered, so nobody in this view sees
// the new entry before it has its attribute.
Result<File> LocalStore::made(const File& directory, const char* name, const NewFile& wanted) {
  File file = TRY(look_up(directory, name));
  TRY(complete(file, wanted));
  return file;
}

Result<void> LocalStore::link(const File& file, const File& directory, const char* name) {
  return sys::link_to(file.fd(), directory.fd(), name);
}

Result<void> LocalStore::unlink(const File& directory, const char* name) {
  return succeeded(::unlinkat(directory.fd(), name, 0));
}

Result<void> LocalStore::remove_directory(const File& directory, const char* name) {
  return succeeded(::unlinkat(directory.fd(), name, AT_REMOVEDIR));
}

Result<void> LocalStore::rename(const File& from, const char* name, const File& to,
                                const char* new_name, unsigned flags, const NewFile& whiteout) {
  std::optional<CreateAs> guard;
  if ((flags & RENAME_WHITEOUT) != 0) {
    guard.emplace(whiteout.uid.value, whiteout.gid.value, whiteout.umask);
  }
  return succeeded(::renameat2(from.fd(), name, to.fd(), new_name, flags));
}

// --- attributes

Result<void> LocalStore::set_mode(const File& file, mode_t mode) {
  // The kernel has already taken the setgid bit away from callers who may not set it.
  const sys::KeepSetid guard;
  return sys::change_mode(file.fd(), mode);
}

Result<void> LocalStore::set_owner(const File& file, StoredUid uid, StoredGid gid) {
  return sys::change_owner(file.fd(), uid.value, gid.value);
}

Result<void> LocalStore::set_size(const File& file, off_t size, bool keep_setid) {
  return with_setid_rule(keep_setid, [&] { return sys::change_size(file.fd(), size); });
}

Result<void> LocalStore::set_times(const File& file, const TimeChange& times) {
  return sys::change_times(file.fd(), times.accessed, times.modified);
}

// --- extended attributes

Result<std::size_t> LocalStore::get_xattr(const File& file, const char* name,
                                          std::span<std::byte> value) {
  return sys::get_xattr(file.fd(), name, value);
}

Result<void> LocalStore::set_xattr(const File& file, const char* name,
                                   std::span<const std::byte> value, int flags) {
  return sys::set_xattr(file.fd(), name, value, flags);
}

Result<void> LocalStore::remove_xattr(const File& file, const char* name) {
  return sys::remove_xattr(file.fd(), name);
}

Result<std::vector<char>> LocalStore::list_xattrs(const File& file) {
  return sys::list_xattrs(file.fd());
}

// --- data

Result<UniqueFd> LocalStore::open(const File& file, int flags, bool keep_setid) {
  return with_setid_rule(keep_setid, [&] { return sys::reopen(file.fd(), backing_flags(flags)); });
}

Result<std::size_t> LocalStore::read(int io, std::span<std::byte> data, off_t offset) {
  const ssize_t got = ::pread(io, data.data(), data.size(), offset);
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

Result<std::size_t> LocalStore::write(int io, std::span<const std::byte> data, off_t offset,
                                      bool append, bool keep_setid) {
  // RWF_APPEND ignores the offset: the end of the file may have moved since the client asked.
  const iovec part{const_cast<std::byte*>(data.data()), data.size()};
  const ssize_t put = with_setid_rule(
      keep_setid, [&] { return ::pwritev2(io, &part, 1, offset, append ? RWF_APPEND : 0); });
  if (put < 0) return last_error();
  return static_cast<std::size_t>(put);
}

Result<void> LocalStore::set_open_size(int io, off_t size, bool keep_setid) {
  return with_setid_rule(keep_setid, [&] { return succeeded(::ftruncate(io, size)); });
}

Result<void> LocalStore::sync(int io, bool data_only) {
  return succeeded(data_only ? ::fdatasync(io) : ::fsync(io));
}

Result<void> LocalStore::allocate(int io, int mode, off_t offset, off_t length) {
  return succeeded(::fallocate(io, mode, offset, length));
}

Result<off_t> LocalStore::seek(int io, off_t offset, int whence) {
  return checked(::lseek(io, offset, whence));
}

Result<std::size_t> LocalStore::copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                           std::size_t length) {
  const ssize_t copied = ::copy_file_range(from, &from_offset, to, &to_offset, length, 0);
  if (copied < 0) return last_error();
  return static_cast<std::size_t>(copied);
}

Result<std::size_t> LocalStore::read_directory(int io, off_t cookie, DirectoryBuffer buffer) {
  // Seeking each time keeps no position here: any worker can go on with any open directory.
  TRY(seek(io, cookie, SEEK_SET));
  const ssize_t got = ::getdents64(io, buffer.data(), buffer.size());
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

}  // namespace cvfs
