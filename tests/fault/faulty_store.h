// FaultyStore: a real directory as a Store whose Nth call fails. The calls that LocalStore makes of
// itself count, too (a label that cannot be written to a new file). For one thread.
#pragma once

#include "store/local_store.h"

namespace cvfs {

class FaultyStore final : public LocalStore {
 public:
  FaultyStore(UniqueFd directory, std::uint64_t mount_id, StoredUid uid, StoredGid gid)
      : LocalStore(std::move(directory), mount_id, uid, gid) {}

  // From now on: the call number `call` (1: the next one) fails with `error`.
  void fail_call(int call, int error) {
    left_ = call;
    error_ = error;
    has_failed_ = false;
  }
  void work() { left_ = 0; }
  bool has_failed() const { return has_failed_; }

  Result<File> root() override {
    if (fails_now()) return fail(error_);
    return LocalStore::root();
  }
  Result<FileId> id_at(const File& directory, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::id_at(directory, name);
  }
  Result<File> look_up(const File& directory, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::look_up(directory, name);
  }
  Result<File> open_id(const FileId& id) override {
    if (fails_now()) return fail(error_);
    return LocalStore::open_id(id);
  }
  Result<FileStatus> status(const File& file) override {
    if (fails_now()) return fail(error_);
    return LocalStore::status(file);
  }
  Result<std::string> read_link(const File& file) override {
    if (fails_now()) return fail(error_);
    return LocalStore::read_link(file);
  }
  Result<struct statvfs> filesystem_status(const File& file) override {
    if (fails_now()) return fail(error_);
    return LocalStore::filesystem_status(file);
  }
  Result<CreatedFile> create(const File& directory, const char* name, int flags,
                             const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::create(directory, name, flags, wanted);
  }
  Result<CreatedFile> create_unnamed(const File& directory, int flags,
                                     const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::create_unnamed(directory, flags, wanted);
  }
  Result<File> make_directory(const File& directory, const char* name,
                              const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::make_directory(directory, name, wanted);
  }
  Result<File> make_node(const File& directory, const char* name, dev_t device,
                         const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::make_node(directory, name, device, wanted);
  }
  Result<File> make_symlink(const File& directory, const char* name, const char* target,
                            const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::make_symlink(directory, name, target, wanted);
  }
  Result<void> complete(const File& file, const NewFile& wanted) override {
    if (fails_now()) return fail(error_);
    return LocalStore::complete(file, wanted);
  }
  Result<void> link(const File& file, const File& directory, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::link(file, directory, name);
  }
  Result<void> unlink(const File& directory, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::unlink(directory, name);
  }
  Result<void> remove_directory(const File& directory, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::remove_directory(directory, name);
  }
  Result<void> rename(const File& from, const char* name, const File& to, const char* new_name,
                      unsigned flags, const NewFile& whiteout) override {
    if (fails_now()) return fail(error_);
    return LocalStore::rename(from, name, to, new_name, flags, whiteout);
  }
  Result<void> set_mode(const File& file, mode_t mode) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_mode(file, mode);
  }
  Result<void> set_owner(const File& file, StoredUid uid, StoredGid gid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_owner(file, uid, gid);
  }
  Result<void> set_size(const File& file, off_t size, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_size(file, size, keep_setid);
  }
  Result<void> set_times(const File& file, const TimeChange& times) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_times(file, times);
  }
  Result<std::size_t> get_xattr(const File& file, const char* name,
                                std::span<std::byte> value) override {
    if (fails_now()) return fail(error_);
    return LocalStore::get_xattr(file, name, value);
  }
  Result<void> set_xattr(const File& file, const char* name, std::span<const std::byte> value,
                         int flags, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_xattr(file, name, value, flags, keep_setid);
  }
  Result<void> remove_xattr(const File& file, const char* name) override {
    if (fails_now()) return fail(error_);
    return LocalStore::remove_xattr(file, name);
  }
  Result<std::vector<char>> list_xattrs(const File& file) override {
    if (fails_now()) return fail(error_);
    return LocalStore::list_xattrs(file);
  }
  Result<UniqueFd> open(const File& file, int flags, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::open(file, flags, keep_setid);
  }
  Result<std::size_t> read(int io, std::span<std::byte> data, off_t offset) override {
    if (fails_now()) return fail(error_);
    return LocalStore::read(io, data, offset);
  }
  Result<std::size_t> write(int io, std::span<const std::byte> data, off_t offset, bool append,
                            bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::write(io, data, offset, append, keep_setid);
  }
  Result<void> set_open_size(int io, off_t size, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_open_size(io, size, keep_setid);
  }
  Result<void> sync(int io, bool data_only) override {
    if (fails_now()) return fail(error_);
    return LocalStore::sync(io, data_only);
  }
  Result<void> allocate(int io, int mode, off_t offset, off_t length, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::allocate(io, mode, offset, length, keep_setid);
  }
  Result<std::uint32_t> flags(int io) override {
    if (fails_now()) return fail(error_);
    return LocalStore::flags(io);
  }
  Result<void> set_flags(int io, std::uint32_t flags) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_flags(io, flags);
  }
  Result<fsxattr> extended_flags(int io) override {
    if (fails_now()) return fail(error_);
    return LocalStore::extended_flags(io);
  }
  Result<void> set_extended_flags(int io, const fsxattr& flags) override {
    if (fails_now()) return fail(error_);
    return LocalStore::set_extended_flags(io, flags);
  }
  Result<off_t> seek(int io, off_t offset, int whence) override {
    if (fails_now()) return fail(error_);
    return LocalStore::seek(io, offset, whence);
  }
  Result<std::size_t> copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                 std::size_t length, bool keep_setid) override {
    if (fails_now()) return fail(error_);
    return LocalStore::copy_range(from, from_offset, to, to_offset, length, keep_setid);
  }
  Result<std::size_t> read_directory(int io, off_t cookie, DirectoryBuffer buffer) override {
    if (fails_now()) return fail(error_);
    return LocalStore::read_directory(io, cookie, buffer);
  }

 private:
  bool fails_now() {
    if (left_ == 0 || --left_ > 0) return false;
    has_failed_ = true;
    return true;
  }

  int left_ = 0;
  int error_ = 0;
  bool has_failed_ = false;
};

}  // namespace cvfs
