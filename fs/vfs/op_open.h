// Opening and closing: open, opendir, release, and the data descriptor behind a handle. Any thread.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

struct OpenedFile {
  HandleRef handle;
  std::int32_t backing = kBackingNone;  // > 0: the kernel reads and writes by itself
  bool direct = false;                  // we read and write even if there is a backing id
  // Of a directory: may the kernel keep its listing, and may it show one that it has kept? Only for
  // who is alone; and what moves the access time has to be read.
  bool may_keep_listing = false;
  bool may_show_kept = false;
};

// `flags` are open(2)'s; `keep_setid`: if it truncates, it is by a caller with CAP_FSETID.
Result<OpenedFile> op_open(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                           int flags, bool keep_setid);
Result<OpenedFile> op_opendir(Mount& mount, Intent& intent, NodeId node, int flags);

// Closes. A handle that is not (or no longer) open is passed over: a RELEASE may come twice.
void op_release(Mount& mount, HandleId handle);

// Is there a descriptor left for one more open file (HandleLimits)? Asked before a file is made,
// too, so that none is made that cannot be opened.
bool has_room_for_handle(const Mount& mount, bool is_directory, bool has_io);

// A handle for an inode and the descriptor that it was just made with.
Result<OpenedFile> open_with(Mount& mount, Intent& intent, NodeId node, UniqueFd io, int flags);

// The handle's descriptor for data, opened now if no operation has needed it so far (under
// passthrough most files never do). Borrowed: valid while the handle is open. EBADF: no such
// handle.
Result<int> io_of(Mount& mount, HandleId handle, const File& file);
// The same where the inode's reference is not at hand.
Result<int> io_of(Mount& mount, HandleId handle);

}  // namespace cvfs
