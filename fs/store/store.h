// Store: the backing tree behind one virtual interface, in stored ids. It hides where a file comes
// from: the real directory today (local_store.h), layers or injected faults later. It knows nothing
// of containers, of FUSE, or of who may do what: the kernel has checked access on shown ids.
//
// Every function may be called from any thread that has called sys::prepare_serving_thread().
// Errors are those of the system call that the function stands for, unless something else is said.
#pragma once

#include <sys/statvfs.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/file.h"
#include "sys/file_handle.h"
#include "sys/inode_flags.h"

namespace cvfs {

using sys::FileStatus;

// What names a file for as long as it exists. Without a handle (handle.size == 0) a file cannot be
// opened again by its id: whoever wants it later must keep it open.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  sys::FileHandle handle;

  bool can_reopen() const { return handle.size != 0; }
};

bool operator==(const FileId& a, const FileId& b);

// A number for it, the same in every build: by the handle alone where it has one.
std::uint64_t digest_of(const FileId& id);

// A reference to a file of any type, without the right to read or write it (O_PATH).
class File {
 public:
  File() = default;
  explicit File(UniqueFd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }

 private:
  UniqueFd fd_;
};

struct NewXattr {
  const char* name;
  std::string value;
};

// What a new file is to be from its first moment.
struct NewFile {
  StoredUid uid;
  StoredGid gid;
  mode_t mode = 0;   // type and permissions
  mode_t umask = 0;  // applied unless the directory has a default ACL
  // Extended attributes that it has from the beginning (owner=virtual).
  std::vector<NewXattr> xattrs;
};

// A file that was opened in the moment in which it was made.
struct CreatedFile {
  File file;
  UniqueFd io;
};

// The raw entries of a directory, as getdents64(2) gives them.
using DirectoryBuffer = std::span<std::byte>;

// One change of times: a timestamp, UTIME_NOW or UTIME_OMIT in tv_nsec, as in utimensat(2).
struct TimeChange {
  timespec accessed{0, UTIME_OMIT};
  timespec modified{0, UTIME_OMIT};
};

// Of set_owner().
inline constexpr StoredUid kKeepUid{kUnmappedId};
inline constexpr StoredGid kKeepGid{kUnmappedId};

class Store {
 public:
  virtual ~Store() = default;

  // Must what is called on nobody's behalf be called by root? See sys::begin_request().
  virtual bool judges_by_ids() const { return false; }

  // --- finding
  virtual Result<File> root() = 0;
  virtual Result<File> look_up(const File& directory, const char* name) = 0;
  // ESTALE: it is gone, or cannot be reopened.
  virtual Result<File> open_id(const FileId& id) = 0;
  virtual Result<FileStatus> status(const File& file) = 0;
  // What stands in `directory` by that name: its handle, or device and inode number where it has
  // none. ENOENT.
  virtual Result<FileId> id_at(const File& directory, const char* name) = 0;
  // The id of a file whose status is known. A file without a handle, or that others' handles are
  // opened by (the root of a mount below), is to be kept open as long as it is known.
  virtual FileId id_of(const File& file, const FileStatus& status) = 0;
  // An earlier process had kept this file open for that reason.
  virtual void adopt(const File& file) = 0;
  virtual Result<std::string> read_link(const File& file) = 0;
  virtual Result<struct statvfs> filesystem_status(const File& file) = 0;

  // --- making and removing names
  // A regular file that must not exist yet (EEXIST), opened with `flags`.
  virtual Result<CreatedFile> create(const File& directory, const char* name, int flags,
                                     const NewFile& wanted) = 0;
  // O_TMPFILE.
  virtual Result<CreatedFile> create_unnamed(const File& directory, int flags,
                                             const NewFile& wanted) = 0;
  virtual Result<File> make_directory(const File& directory, const char* name,
                                      const NewFile& wanted) = 0;
  // A fifo, a socket, a device or an empty regular file.
  virtual Result<File> make_node(const File& directory, const char* name, dev_t device,
                                 const NewFile& wanted) = 0;
  virtual Result<File> make_symlink(const File& directory, const char* name, const char* target,
                                    const NewFile& wanted) = 0;
  // Gives a new entry what it lacks if whoever made it died before it was complete.
  virtual Result<void> complete(const File& file, const NewFile& wanted) = 0;
  virtual Result<void> link(const File& file, const File& directory, const char* name) = 0;
  virtual Result<void> unlink(const File& directory, const char* name) = 0;
  virtual Result<void> remove_directory(const File& directory, const char* name) = 0;
  // `flags` are RENAME_* of renameat2(2); a whiteout is made as `whiteout` says.
  virtual Result<void> rename(const File& from, const char* name, const File& to,
                              const char* new_name, unsigned flags, const NewFile& whiteout) = 0;

  // --- attributes. `keep_setid`: as a caller with CAP_FSETID would.
  virtual Result<void> set_mode(const File& file, mode_t mode) = 0;
  // kKeepUid and kKeepGid leave it as it is. Clears setid bits, as chown(2) does.
  virtual Result<void> set_owner(const File& file, StoredUid uid, StoredGid gid) = 0;
  virtual Result<void> set_size(const File& file, off_t size, bool keep_setid) = 0;
  virtual Result<void> set_times(const File& file, const TimeChange& times) = 0;

  // --- extended attributes, by their names on disk
  virtual Result<std::size_t> get_xattr(const File& file, const char* name,
                                        std::span<std::byte> value) = 0;
  virtual Result<void> set_xattr(const File& file, const char* name,
                                 std::span<const std::byte> value, int flags, bool keep_setid) = 0;
  virtual Result<void> remove_xattr(const File& file, const char* name) = 0;
  virtual Result<std::vector<char>> list_xattrs(const File& file) = 0;

  // --- data, through a descriptor that open() gave
  // The same file where reading it moves its access time as the view's mount says; none: it is so
  // with `file` itself.
  virtual std::optional<File> with_times(const File& /*file*/) { return std::nullopt; }
  // Would reading this directory move its access time?
  virtual bool listing_moves_time(const File& /*file*/, const FileStatus& /*status*/) {
    return false;
  }
  virtual Result<UniqueFd> open(const File& file, int flags, bool keep_setid) = 0;
  virtual Result<std::size_t> read(int io, std::span<std::byte> data, off_t offset) = 0;
  // `append`: at the end, wherever that is now. Clears setid bits unless `keep_setid`.
  virtual Result<std::size_t> write(int io, std::span<const std::byte> data, off_t offset,
                                    bool append, bool keep_setid) = 0;
  virtual Result<void> set_open_size(int io, off_t size, bool keep_setid) = 0;
  virtual Result<void> sync(int io, bool data_only) = 0;
  virtual Result<void> allocate(int io, int mode, off_t offset, off_t length, bool keep_setid) = 0;
  virtual Result<off_t> seek(int io, off_t offset, int whence) = 0;
  virtual Result<std::size_t> copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                         std::size_t length, bool keep_setid) = 0;
  // chattr(1)'s flags; sys/inode_flags.h.
  virtual Result<std::uint32_t> flags(int io) = 0;
  virtual Result<void> set_flags(int io, std::uint32_t flags) = 0;
  virtual Result<fsxattr> extended_flags(int io) = 0;
  virtual Result<void> set_extended_flags(int io, const fsxattr& flags) = 0;
  // Fills `buffer` with the entries from the position `cookie` (0: the first) on; 0 at the end.
  virtual Result<std::size_t> read_directory(int io, off_t cookie, DirectoryBuffer buffer) = 0;
};

}  // namespace cvfs
