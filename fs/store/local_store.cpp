#include "store/local_store.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/digest.h"
#include "store/access_time.h"
#include "sys/credentials.h"
#include "sys/mounts.h"
#include "sys/uninterrupted.h"
#include "sys/xattr.h"

namespace cvfs {

using sys::ActAs;
using sys::ActUnprivileged;
using sys::CreateAs;
using sys::kPermissionBits;

namespace {

CreateAs as(const NewFile& wanted) {
  const bool is_setid = (wanted.mode & (S_ISUID | S_ISGID)) != 0;
  return CreateAs(wanted.uid.value, wanted.gid.value, wanted.umask, is_setid);
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
  if (!keep_setid) {
    sys::act_as_root();  // a member of the file's group would keep some of them
    return call();
  }
  const sys::KeepSetid guard;
  return call();
}

// Does the kernel alone decide who may do what, so that root's capabilities are enough? Of what is
// not known the server may look at the ids of who asks.
bool judges_by_capabilities(int fd) {
  constexpr std::uint32_t kXfs = 0x58465342;
  constexpr std::uint32_t kZfs = 0x2fc12fc1;
  constexpr std::uint32_t kBcachefs = 0xca451a4e;
  constexpr std::uint32_t kLocal[] = {EXT4_SUPER_MAGIC,
                                      BTRFS_SUPER_MAGIC,
                                      TMPFS_MAGIC,
                                      F2FS_SUPER_MAGIC,
                                      OVERLAYFS_SUPER_MAGIC,
                                      kXfs,
                                      kZfs,
                                      kBcachefs};
  struct statfs status {};
  if (::fstatfs(fd, &status) < 0) return false;
  return std::ranges::find(kLocal, static_cast<std::uint32_t>(status.f_type)) != std::end(kLocal);
}

// None where that cannot be had: then no access time is known to stay.
unsigned long mount_flags_of(int fd) {
  struct statvfs status {};
  return ::fstatvfs(fd, &status) == 0 ? status.f_flag : 0;
}

}  // namespace

bool operator==(const FileId& a, const FileId& b) {
  return a.inode == b.inode && a.device == b.device && a.handle == b.handle;
}

std::uint64_t digest_of(const FileId& id) {
  if (id.can_reopen()) return sys::digest_of(id.handle);
  Digest digest;
  digest.add(id.device);
  digest.add(id.inode);
  return digest.get();
}

Result<std::unique_ptr<LocalStore>> LocalStore::open(UniqueFd directory, StoredUid tenant_uid,
                                                     StoredGid tenant_gid) {
  const auto status = TRY(sys::status_of(directory.get()));
  if (!status.is_directory()) return fail(ENOTDIR);
  std::unique_ptr<LocalStore> store(
      new LocalStore(std::move(directory), status.mount_id, tenant_uid, tenant_gid));
  store->note_filesystem(store->directory_.get());
  store->times_flags_ = mount_flags_of(store->directory_.get());
  return store;
}

// --- finding

Result<File> LocalStore::root() {
  return File(TRY(sys::reference_to(directory_.get())));
}

Result<File> LocalStore::look_up(const File& directory, const char* name) {
  auto found = sys::open_name_on_mount(directory.fd(), name);
  if (!found && found.error().value == EXDEV) return enter_mount(directory, name);
  return File(TRY(std::move(found)));
}

// Once one of them does, it is so for all: it costs little.
void LocalStore::note_filesystem(int fd) {
  if (judges_by_capabilities(fd)) return;
  judges_by_ids_ = true;
  sys::act_as_root();
}

// `name` is a mount point. A view that is mounted there serves the very tree that we serve (and may
// be our own: asking it would be asking ourselves): what lies below it is shown. Any other mount is
// entered.
Result<File> LocalStore::enter_mount(const File& directory, const char* name) {
  UniqueFd top = TRY(sys::open_name(directory.fd(), name, O_PATH));
  if (sys::is_view(top.get())) {
    const UniqueFd below = TRY(sys::copy_of_mount(directory.fd()));
    return File(TRY(sys::open_name_on_mount(below.get(), name)));
  }
  File root(std::move(top));
  adopt(root);
  return root;
}

// Any descriptor on its filesystem will do to open a handle. A device that is none of a mount below
// is ours, or one of the many that the subvolumes of one btrfs have.
int LocalStore::mount_descriptor(std::uint64_t device) {
  const MutexLock lock(mounts_mutex_);
  const auto found = mounts_.find(device);
  return found != mounts_.end() ? found->second.get() : directory_.get();
}

Result<File> LocalStore::open_id(const FileId& id) {
  if (!id.can_reopen()) return fail(ESTALE);
  return File(
      TRY(sys::open_by_handle(mount_descriptor(id.device), id.handle, O_PATH | O_NOFOLLOW)));
}

Result<FileStatus> LocalStore::status(const File& file) {
  return sys::status_of(file.fd());
}

Result<FileId> LocalStore::id_at(const File& directory, const char* name) {
  FileId id;
  if (const auto handle = sys::handle_at(directory.fd(), name)) {
    id.handle = *handle;
    return id;
  }
  const auto status = TRY(sys::status_at(directory.fd(), name));
  id.device = status.device;
  id.inode = status.inode;
  return id;
}

FileId LocalStore::id_of(const File& file, const FileStatus& status) {
  FileId id;
  id.device = status.device;
  id.inode = status.inode;
  const bool is_mount_below = status.mount_id != mount_id_ && sys::is_mount_root(file.fd());
  if (is_mount_below) return id;
  if (auto handle = sys::handle_of(file.fd())) id.handle = *handle;
  return id;
}

// A handle is opened by a descriptor that can be read, on anything of its filesystem.
void LocalStore::adopt(const File& file) {
  const auto status = sys::status_of(file.fd());
  if (!status || !sys::is_mount_root(file.fd())) return;
  note_filesystem(file.fd());
  if (!status->is_directory() && !status->is_regular()) return;
  auto kept = sys::reopen(file.fd(), O_RDONLY);
  if (!kept) return;
  const MutexLock lock(mounts_mutex_);
  mounts_.try_emplace(status->device, std::move(*kept));
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
  if (!wanted.xattrs.empty()) return create_labelled(directory, name, flags, wanted);
  CreatedFile created;
  {
    const CreateAs guard = as(wanted);
    created.io = TRY(sys::open_name(directory.fd(), name, backing_flags(flags) | O_CREAT | O_EXCL,
                                    wanted.mode & kPermissionBits));
  }
  // Through the open file, not by name: the name may be somebody else's by now.
  auto file = sys::reference_to(created.io.get());
  if (!file) {
    (void)::unlinkat(directory.fd(), name, 0);
    return fail(file.error());
  }
  created.file = File(std::move(*file));
  reopen_with_times(created, flags);
  return created;
}

// Without a name until it has its attribute, so that nobody ever sees it without.
Result<CreatedFile> LocalStore::create_labelled(const File& directory, const char* name, int flags,
                                                const NewFile& wanted) {
  CreatedFile created = TRY(create_unnamed(directory, flags, wanted));
  TRY(link(created.file, directory, name));
  reopen_with_times(created, flags);
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
  created.file = File(TRY(sys::reference_to(created.io.get())));
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
  for (const NewXattr& xattr : wanted.xattrs) {
    TRY(set_xattr(file, xattr.name, std::as_bytes(std::span(xattr.value)), 0, false));
  }
  return {};
}

// The FUSE client holds the directory's lock until we have answered, so nobody in this view sees
// the new entry before it has its attribute.
Result<File> LocalStore::made(const File& directory, const char* name, const NewFile& wanted) {
  auto file = look_up(directory, name);
  const Result<void> completed = file ? complete(*file, wanted) : fail(file.error());
  if (completed) return file;
  // Half made it would be container root's.
  (void)::unlinkat(directory.fd(), name, S_ISDIR(wanted.mode) ? AT_REMOVEDIR : 0);
  return fail(completed.error());
}

Result<void> LocalStore::link(const File& file, const File& directory, const char* name) {
  const ActUnprivileged guard = as_nobody();
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
  const bool leaves_whiteout = (flags & RENAME_WHITEOUT) != 0;
  {
    std::optional<CreateAs> maker;
    std::optional<ActUnprivileged> nobody;
    if (leaves_whiteout) {
      maker.emplace(whiteout.uid.value, whiteout.gid.value, whiteout.umask);
    } else {
      nobody.emplace(tenant_uid_.value, tenant_gid_.value);
    }
    TRY(succeeded(::renameat2(from.fd(), name, to.fd(), new_name, flags)));
  }
  if (leaves_whiteout && !whiteout.xattrs.empty()) label_whiteout(from, name, whiteout);
  return {};
}

// The rename is made: without its label the whiteout is container root's, which changes nothing of
// what it says.
void LocalStore::label_whiteout(const File& directory, const char* name, const NewFile& whiteout) {
  const auto made = look_up(directory, name);
  if (made) (void)complete(*made, whiteout);
}

// --- attributes

Result<void> LocalStore::set_mode(const File& file, mode_t mode) {
  // The kernel has already taken the setgid bit away from callers who may not set it.
  if ((mode & S_ISGID) == 0) return sys::change_mode(file.fd(), mode);
  const sys::KeepSetid guard;
  return sys::change_mode(file.fd(), mode);
}

Result<void> LocalStore::set_owner(const File& file, StoredUid uid, StoredGid gid) {
  const bool is_setgid = (TRY(sys::status_of(file.fd())).mode & S_ISGID) != 0;
  if (!is_setgid) return sys::change_owner(file.fd(), uid.value, gid.value);
  // Without it, setgid on a file that its group may not execute would go, too.
  const sys::KeepSetid guard;
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
                                   std::span<const std::byte> value, int flags, bool keep_setid) {
  if (!std::string_view(name).starts_with("system.posix_acl_")) {
    const ActUnprivileged guard = as_nobody();
    return sys::set_xattr(file.fd(), name, value, flags);
  }
  const ActAs tenant = as_writer(keep_setid);
  return sys::set_xattr(file.fd(), name, value, flags);
}

Result<void> LocalStore::remove_xattr(const File& file, const char* name) {
  return sys::remove_xattr(file.fd(), name);
}

Result<std::vector<char>> LocalStore::list_xattrs(const File& file) {
  return sys::list_xattrs(file.fd());
}

// --- data

// ESTALE: there is no such mount, or the file has no name, or it lies on a filesystem below.
Result<UniqueFd> LocalStore::open_by_times_mount(const File& file, int flags) {
  if (!times_mount_ || TRY(sys::mount_of(file.fd())) != mount_id_) return fail(ESTALE);
  const auto handle = sys::handle_of(file.fd());
  return handle ? sys::open_by_handle(times_mount_.get(), *handle, flags) : fail(ESTALE);
}

std::optional<File> LocalStore::with_times(const File& file) {
  auto opened = open_by_times_mount(file, O_PATH | O_NOFOLLOW);
  if (!opened) return std::nullopt;
  return File(std::move(*opened));
}

void LocalStore::keep_times_by(UniqueFd mount) {
  times_mount_ = std::move(mount);
  times_flags_ = mount_flags_of(times_mount_.get());
}

bool LocalStore::listing_moves_time(const File& file, const FileStatus& status) {
  const bool is_own = status.mount_id == mount_id_;
  const unsigned long flags = is_own ? times_flags_ : mount_flags_of(file.fd());
  return cvfs::listing_moves_time(flags, status, std::time(nullptr));
}

Result<UniqueFd> LocalStore::open_io(const File& file, int flags) {
  auto opened = open_by_times_mount(file, flags);
  if (opened || opened.error().value != ESTALE) return opened;
  return sys::reopen(file.fd(), flags);
}

// A new file was opened by its directory's mount.
void LocalStore::reopen_with_times(CreatedFile& created, int flags) {
  auto io = open_by_times_mount(created.file, backing_flags(flags & ~O_TRUNC));
  if (io) created.io = std::move(*io);
}

Result<UniqueFd> LocalStore::open(const File& file, int flags, bool keep_setid) {
  const auto open = [&]() -> Result<UniqueFd> {
    auto opened = open_io(file, backing_flags(flags));
    const bool may_be_append_only =
        !opened && opened.error().value == EPERM && (flags & O_APPEND) != 0;
    if (may_be_append_only) return open_io(file, backing_flags(flags) | O_APPEND);
    return opened;
  };
  return (flags & O_TRUNC) != 0 ? with_setid_rule(keep_setid, open) : open();
}

Result<std::size_t> LocalStore::read(int io, std::span<std::byte> data, off_t offset) {
  const ssize_t got =
      sys::uninterrupted([&] { return ::pread(io, data.data(), data.size(), offset); });
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

Result<std::size_t> LocalStore::write(int io, std::span<const std::byte> data, off_t offset,
                                      bool append, bool keep_setid) {
  // RWF_APPEND ignores the offset: the end of the file may have moved since the client asked.
  const iovec part{const_cast<std::byte*>(data.data()), data.size()};
  const ActAs tenant = as_writer(keep_setid);
  const int flags = append ? RWF_APPEND : 0;
  const ssize_t put = sys::uninterrupted([&] { return ::pwritev2(io, &part, 1, offset, flags); });
  if (put < 0) return last_error();
  return static_cast<std::size_t>(put);
}

Result<void> LocalStore::set_open_size(int io, off_t size, bool keep_setid) {
  return with_setid_rule(keep_setid, [&] {
    return succeeded(sys::uninterrupted([&] { return ::ftruncate(io, size); }));
  });
}

Result<void> LocalStore::sync(int io, bool data_only) {
  return succeeded(sys::uninterrupted([&] { return data_only ? ::fdatasync(io) : ::fsync(io); }));
}

Result<void> LocalStore::allocate(int io, int mode, off_t offset, off_t length, bool keep_setid) {
  const ActAs tenant = as_writer(keep_setid);
  return succeeded(sys::uninterrupted([&] { return ::fallocate(io, mode, offset, length); }));
}

Result<off_t> LocalStore::seek(int io, off_t offset, int whence) {
  return checked(::lseek(io, offset, whence));
}

Result<std::size_t> LocalStore::copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                           std::size_t length, bool keep_setid) {
  const ActAs tenant = as_writer(keep_setid);
  const ssize_t copied = sys::uninterrupted(
      [&] { return ::copy_file_range(from, &from_offset, to, &to_offset, length, 0); });
  if (copied < 0) return last_error();
  return static_cast<std::size_t>(copied);
}

Result<std::uint32_t> LocalStore::flags(int io) {
  return sys::inode_flags(io);
}

Result<void> LocalStore::set_flags(int io, std::uint32_t flags) {
  return sys::set_inode_flags(io, flags);
}

Result<fsxattr> LocalStore::extended_flags(int io) {
  return sys::extended_inode_flags(io);
}

Result<void> LocalStore::set_extended_flags(int io, const fsxattr& flags) {
  return sys::set_extended_inode_flags(io, flags);
}

Result<std::size_t> LocalStore::read_directory(int io, off_t cookie, DirectoryBuffer buffer) {
  // Seeking each time keeps no position here: any worker can go on with any open directory.
  TRY(seek(io, cookie, SEEK_SET));
  const ssize_t got = ::getdents64(io, buffer.data(), buffer.size());
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

}  // namespace cvfs
