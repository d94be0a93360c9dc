// LocalStore: a directory of a mounted filesystem as a Store, with the filesystems that are mounted
// below it. Keeps one descriptor on each of them. What is mounted below is busy until the store
// goes; views of cvfs below are looked through. Any thread; locks in docs/locking.md.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "base/mutex.h"
#include "store/store.h"
#include "sys/credentials.h"

namespace cvfs {

class LocalStore : public Store {
 public:
  // `directory`: O_RDONLY|O_DIRECTORY on what is served. Data is written as the tenant, so that
  // their quota and the filesystem's reserve hold. ENOTDIR.
  static Result<std::unique_ptr<LocalStore>> open(UniqueFd directory, StoredUid tenant_uid,
                                                  StoredGid tenant_gid);

  // From now on what is opened to be read moves access times as `mount`, a copy of the tree's own,
  // says: O_RDONLY on its root. Not what lies on filesystems below. Before the first operation.
  void keep_times_by(UniqueFd mount);

  bool judges_by_ids() const override { return judges_by_ids_; }
  Result<File> root() override;
  Result<File> look_up(const File& directory, const char* name) override;
  Result<File> open_id(const FileId& id) override;
  Result<FileStatus> status(const File& file) override;
  Result<FileId> id_at(const File& directory, const char* name) override;
  FileId id_of(const File& file, const FileStatus& status) override;
  void adopt(const File& file) override;
  Result<std::string> read_link(const File& file) override;
  Result<struct statvfs> filesystem_status(const File& file) override;

  Result<CreatedFile> create(const File& directory, const char* name, int flags,
                             const NewFile& wanted) override;
  Result<CreatedFile> create_unnamed(const File& directory, int flags,
                                     const NewFile& wanted) override;
  Result<File> make_directory(const File& directory, const char* name,
                              const NewFile& wanted) override;
  Result<File> make_node(const File& directory, const char* name, dev_t device,
                         const NewFile& wanted) override;
  Result<File> make_symlink(const File& directory, const char* name, const char* target,
                            const NewFile& wanted) override;
  Result<void> complete(const File& file, const NewFile& wanted) override;
  Result<void> link(const File& file, const File& directory, const char* name) override;
  Result<void> unlink(const File& directory, const char* name) override;
  Result<void> remove_directory(const File& directory, const char* name) override;
  Result<void> rename(const File& from, const char* name, const File& to, const char* new_name,
                      unsigned flags, const NewFile& whiteout) override;

  Result<void> set_mode(const File& file, mode_t mode) override;
  Result<void> set_owner(const File& file, StoredUid uid, StoredGid gid) override;
  Result<void> set_size(const File& file, off_t size, bool keep_setid) override;
  Result<void> set_times(const File& file, const TimeChange& times) override;

  Result<std::size_t> get_xattr(const File& file, const char* name,
                                std::span<std::byte> value) override;
  Result<void> set_xattr(const File& file, const char* name, std::span<const std::byte> value,
                         int flags, bool keep_setid) override;
  Result<void> remove_xattr(const File& file, const char* name) override;
  Result<std::vector<char>> list_xattrs(const File& file) override;

  std::optional<File> with_times(const File& file) override;
  bool listing_moves_time(const File& file, const FileStatus& status) override;
  Result<UniqueFd> open(const File& file, int flags, bool keep_setid) override;
  Result<std::size_t> read(int io, std::span<std::byte> data, off_t offset) override;
  Result<std::size_t> write(int io, std::span<const std::byte> data, off_t offset, bool append,
                            bool keep_setid) override;
  Result<void> set_open_size(int io, off_t size, bool keep_setid) override;
  Result<void> sync(int io, bool data_only) override;
  Result<void> allocate(int io, int mode, off_t offset, off_t length, bool keep_setid) override;
  Result<off_t> seek(int io, off_t offset, int whence) override;
  Result<std::size_t> copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                 std::size_t length, bool keep_setid) override;
  Result<std::uint32_t> flags(int io) override;
  Result<void> set_flags(int io, std::uint32_t flags) override;
  Result<fsxattr> extended_flags(int io) override;
  Result<void> set_extended_flags(int io, const fsxattr& flags) override;
  Result<std::size_t> read_directory(int io, off_t cookie, DirectoryBuffer buffer) override;

 protected:
  // tests/fault derives a store whose calls fail.
  LocalStore(UniqueFd directory, std::uint64_t mount_id, StoredUid tenant_uid, StoredGid tenant_gid)
      : directory_(std::move(directory)),
        mount_id_(mount_id),
        tenant_uid_(tenant_uid),
        tenant_gid_(tenant_gid) {}

 private:
  Result<CreatedFile> create_labelled(const File& directory, const char* name, int flags,
                                      const NewFile& wanted);
  void label_whiteout(const File& directory, const char* name, const NewFile& whiteout);
  Result<File> made(const File& directory, const char* name, const NewFile& wanted);

  sys::ActUnprivileged as_nobody() const { return {tenant_uid_.value, tenant_gid_.value}; }
  // Members of a file's group keep setgid bits that others lose: the tenant's group may be the
  // file's.
  sys::ActAs as_writer(bool keep_setid) const {
    constexpr gid_t kNobodysGroup = 0xFFFFFFFE;
    return {tenant_uid_.value, keep_setid ? tenant_gid_.value : kNobodysGroup, keep_setid};
  }
  Result<UniqueFd> open_by_times_mount(const File& file, int flags);
  Result<UniqueFd> open_io(const File& file, int flags);
  void reopen_with_times(CreatedFile& created, int flags);
  Result<File> enter_mount(const File& directory, const char* name);
  int mount_descriptor(std::uint64_t device);
  void note_filesystem(int fd);

  UniqueFd directory_;
  UniqueFd times_mount_;           // none: directory_'s
  unsigned long times_flags_ = 0;  // of statvfs(3), of the mount that decides over access times
  std::uint64_t mount_id_;
  StoredUid tenant_uid_;
  StoredGid tenant_gid_;
  std::atomic<bool> judges_by_ids_ = false;
  Mutex mounts_mutex_;
  // By device: what is mounted below and has been entered.
  std::map<std::uint64_t, UniqueFd> mounts_ CVFS_GUARDED_BY(mounts_mutex_);
};

}  // namespace cvfs
