// File handles: what names an inode of a filesystem for as long as it exists, across renames and
// across our own death; name_to_handle_at(2). Plain values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

// ext4 and xfs need 8 to 12 bytes, btrfs 20, FUSE 12. NFS may need up to 128: not kept here.
inline constexpr std::size_t kMaxHandleBytes = 36;

struct FileHandle {
  std::int32_t type = 0;
  std::uint8_t size = 0;  // 0: no handle
  unsigned char bytes[kMaxHandleBytes] = {};
};

bool operator==(const FileHandle& a, const FileHandle& b);

// A number for it, the same in every build.
std::uint64_t digest_of(const FileHandle& handle);

// EOPNOTSUPP: the filesystem has no file handles. EOVERFLOW: longer than kMaxHandleBytes.
Result<FileHandle> handle_of(int fd);

// The same of what stands in a directory by that name. Not followed if a symlink. ENOENT.
Result<FileHandle> handle_at(int dir_fd, const char* name);

// `mount_fd` is any descriptor on the handle's filesystem. ESTALE: the inode is gone (or, on most
// filesystems, unlinked, although somebody still has it open). Needs CAP_DAC_READ_SEARCH.
Result<UniqueFd> open_by_handle(int mount_fd, const FileHandle& handle, int flags);

}  // namespace cvfs::sys
