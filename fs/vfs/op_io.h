// Data through a handle, where the kernel does not do it by itself: read, write, fsync, fallocate,
// lseek, copy_file_range, and the entries of a directory. Any thread. EBADF: no such handle.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "vfs/mount.h"

namespace cvfs {

// Fewer bytes than asked for: the end of the file.
Result<std::size_t> op_read(Mount& mount, HandleId handle, std::span<std::byte> data, off_t offset);
// `append`: O_APPEND; `keep_setid`: a caller with CAP_FSETID.
Result<std::size_t> op_write(Mount& mount, Intent& intent, const Caller& caller, HandleId handle,
                             std::span<const std::byte> data, off_t offset, bool append,
                             bool keep_setid);
Result<void> op_fsync(Mount& mount, HandleId handle, bool data_only);
// The kernel does not say of these two who has CAP_FSETID.
Result<void> op_fallocate(Mount& mount, const Caller& caller, HandleId handle, int mode,
                          off_t offset, off_t length);
Result<std::size_t> op_copy_file_range(Mount& mount, const Caller& caller, HandleId from,
                                       off_t from_offset, HandleId to, off_t to_offset,
                                       std::size_t length);
Result<off_t> op_lseek(Mount& mount, HandleId handle, off_t offset, int whence);

struct DirectoryEntry {
  const char* name;
  std::uint64_t inode;
  unsigned char type;   // DT_*
  off_t next;           // where the entry after this one begins
  bool is_dot() const;  // "." or ".."
};

// Gives the entries from `cookie` on to `take`, until that says false (the entry did not fit: it
// comes first the next time) or `bytes` of raw entries have been read.
Result<void> op_readdir(Mount& mount, HandleId handle, off_t cookie, std::size_t bytes,
                        const std::function<bool(const DirectoryEntry&)>& take);

}  // namespace cvfs
