// Attributes: a file's status as every caller of the view sees it. A value; any thread.
#pragma once

#include "base/ids.h"
#include "store/store.h"

namespace cvfs {

struct Attributes {
  FileStatus status;  // its uid and gid are still those on disk; its mode is the shown one
  HostUid uid;
  HostGid gid;
  bool unclaimed = false;  // a fresh volume root; its mode is show_unclaimed()'s (vfs/claim.h)
  // We are told what others do to the file, and take it out of the kernel's caches.
  bool is_watched = false;
  // But not of all that this inode goes through, or not in time for the reply at hand
  // (docs/caching.md).
  bool is_volatile = false;
};

}  // namespace cvfs
