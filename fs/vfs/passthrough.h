// Passthrough: the kernel reads and writes regular files on the backing filesystem by itself, once
// their inode has a backing id. One id an inode, from its O_PATH reference, kept until the kernel
// forgets the inode. Where the kernel or the backing refuses it, data goes through us. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "idmap/identity.h"
#include "vfs/inode_table.h"

namespace cvfs {

class Passthrough {
 public:
  // `device_fd`: the connection (borrowed); -1: never. Files are opened by the kernel as the
  // tenant, so that the tenant's quota and the filesystem's reserve hold.
  Passthrough(int device_fd, StoredUid tenant_uid)
      : device_fd_(device_fd), tenant_uid_(tenant_uid) {}

  // The inode's backing id, or kBackingNone: then all its opens go through us until the kernel
  // forgets it (the two must not be mixed: EIO from the kernel).
  std::int32_t backing_of(InodeRecord& inode, const File& file, Store& store);

  // May files pass through at all?
  bool is_on() const { return device_fd_ >= 0 && !refused_.load(std::memory_order_relaxed); }

  // An id that belongs to no inode any more.
  void release(std::int32_t backing_id);

  // Releases ids that a process had got and not yet noted in an inode's record when it died: they
  // would keep their files until the view is unmounted. To be called before any other id is got.
  // `any_fd`: any regular file.
  void release_unnoted(InodeTable& inodes, int any_fd);

  // The kernel has forgotten the inode.
  void forget(InodeRecord& inode);

 private:
  std::int32_t register_file(const File& file, Store& store);

  int device_fd_;
  StoredUid tenant_uid_;
  std::atomic<bool> refused_{false};
};

}  // namespace cvfs
