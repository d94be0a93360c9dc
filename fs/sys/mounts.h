// Mounts as the kernel lists and copies them: mountinfo in proc(5), open_tree(2). Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

// The type ("ext4", "fuse.cvfs") of the mount with this id (statx(2), stx_mnt_id), as this
// process' mount namespace has it. ENOENT: no such mount there.
Result<std::string> type_of_mount(std::uint64_t mount_id);

// The id of the mount that `fd` is on, without a question to its filesystem.
Result<std::uint64_t> mount_of(int fd);

inline constexpr const char* kViewType = "fuse.cvfs";

// Is it on a view of cvfs? Asks nothing of the view, which may be dead, or our own.
bool is_view(int fd);

// Is it on a view whose processes have all ended? Asks the view: one that hangs keeps us waiting.
bool is_dead_view(int fd);

// Takes away the mount whose root `fd` is, and no other, also where it is in use. EINVAL: it is no
// mount's root, or not one of this process' mount namespace.
Result<void> detach_mount(int fd);

// A private copy of the mount that `directory_fd` is on, from that directory on: without whatever
// is mounted on top of it or below. It goes when the descriptor does. Needs CAP_SYS_ADMIN.
Result<UniqueFd> copy_of_mount(int directory_fd);

// The same, with a say in when access times move: by those of `flags`, of mount(2), that are about
// it (MS_NOATIME, MS_RELATIME, MS_STRICTATIME, MS_NODIRATIME). ENOSYS: Linux before 5.12.
Result<UniqueFd> copy_with_times(int directory_fd, unsigned long flags);

// Is it the root of a mount? Asks nothing of its filesystem.
bool is_mount_root(int fd);

}  // namespace cvfs::sys
