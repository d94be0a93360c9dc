#include "vfs/passthrough.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "sys/credentials.h"
#include "sys/fuse_device.h"

namespace cvfs {

std::int32_t Passthrough::register_file(const File& file, Store& store) {
  if (!is_on()) return kBackingNone;
  // The kernel would let a mapping of it be written anywhere.
  const auto status = sys::status_of(file.fd());
  if (!status || status->append_only) return kBackingNone;
  // In the file's group, which keeps setgid bits without group execution: who is to lose them does
  // so when it opens the file (vfs/setid_bits.h).
  const auto with_times = store.with_times(file);
  const sys::ActUnprivileged guard(tenant_uid_.value, status->gid, true);
  const auto id = sys::open_backing(device_fd_, with_times ? with_times->fd() : file.fd());
  if (id) return *id;
  const int error = id.error().value;
  // Out of something: this file only. Anything else is so for every file.
  if (error != ENOMEM && error != EMFILE && error != ENFILE && !refused_.exchange(true)) {
    spdlog::warn("no passthrough ({}): reads and writes go through cvfsd", std::strerror(error));
  }
  return kBackingNone;
}

std::int32_t Passthrough::backing_of(InodeRecord& inode, const File& file, Store& store) {
  std::int32_t known = inode.backing.load(std::memory_order_acquire);
  if (known != kBackingUndecided) return known;
  const std::int32_t fresh = register_file(file, store);
  if (inode.backing.compare_exchange_strong(known, fresh)) return fresh;
  // Another thread was faster, and its id may already be in use.
  if (fresh > 0) sys::close_backing(device_fd_, fresh);
  return known;
}

void Passthrough::release(std::int32_t backing_id) {
  sys::close_backing(device_fd_, backing_id);
}

// The kernel counts ids upwards (idr_alloc_cyclic), and what had just been got is among the last
// few: each of them that no record has is closed, most for the second time, which the kernel minds
// not.
void Passthrough::release_unnoted(InodeTable& inodes, int any_fd) {
  constexpr std::int32_t kWindow = 4096;
  if (!is_on()) return;
  const auto next = sys::open_backing(device_fd_, any_fd);
  if (!next) return;
  const std::int32_t first = std::max(*next - kWindow, 1);
  std::vector<bool> noted(static_cast<std::size_t>(std::max(*next - first, 0)));
  inodes.for_each([&](NodeId, const InodeRecord& record) {
    const std::int32_t id = record.backing;
    if (id >= first && id < *next) noted[static_cast<std::size_t>(id - first)] = true;
  });
  for (std::int32_t id = first; id < *next; ++id) {
    if (!noted[static_cast<std::size_t>(id - first)]) release(id);
  }
  release(*next);
}

void Passthrough::forget(InodeRecord& inode) {
  const std::int32_t id = inode.backing.exchange(kBackingUndecided);
  if (id > 0) release(id);
}

}  // namespace cvfs
