// Watching a whole filesystem: fanotify(7) with file handles (FAN_REPORT_DFID_NAME_TARGET, Linux
// 5.17). The handles in its events are those of name_to_handle_at(2). Nothing is kept between two
// calls; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/file_handle.h"

namespace cvfs::sys {

// What happened to one file or name since the last event that was read. The kernel merges what one
// process did to it meanwhile, so that several things may have happened.
struct FilesystemEvent {
  std::uint64_t mask = 0;  // FAN_*
  std::int32_t pid = 0;    // who did it, as our pid namespace has it; 0: somebody outside of it
  FileHandle directory;    // without a handle: no name has changed
  FileHandle file;         // without a handle: not told
  std::string_view name;   // in `directory`

  bool is_overflow() const;     // more happened than was kept
  bool is_write() const;        // to data
  bool changes_a_name() const;  // made, removed or renamed
  bool is_new_name() const;     // made, and nothing else happened to the name
  bool is_rename() const;       // to this name
  bool may_remove() const;      // the last name of the file may have gone
};

// A descriptor that tells of names that change, and of data and attributes that do, on the whole
// filesystem of the directory `fd`; read(2) from it never waits. EPERM: no CAP_SYS_ADMIN.
// EOPNOTSUPP, ENODEV, EXDEV: this filesystem tells nothing, or has no file handles. EINVAL: older
// than Linux 5.17. EMFILE: as many are watched as fs.fanotify.max_user_groups allows.
Result<UniqueFd> watch_filesystem(int fd);

// How many events wait to be read; SIZE_MAX: that is not known.
std::size_t queued_events(int watch_fd);

// From here on the watch does not tell that the file `fd` (O_PATH will do) is written to;
// everything else it does. ENOSPC, ENOMEM.
Result<void> pass_writes_over(int watch_fd, int fd);
// It does again, for this file or all files.
Result<void> hear_writes(int watch_fd, int fd);
Result<void> hear_all_writes(int watch_fd);

// Calls `visit` for each event in what was read, up to the end or to a length of 0.
void for_each_event(std::span<const std::byte> events,
                    const std::function<void(const FilesystemEvent&)>& visit);

}  // namespace cvfs::sys
