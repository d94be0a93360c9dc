// The ids of docs/identity.md as distinct types: a HostUid cannot be passed where a StoredUid is
// meant. Plain values; any thread.
#pragma once

#include <compare>
#include <cstdint>

namespace cvfs {

template <class Tag>
struct Id {
  std::uint32_t value = 0;
  friend auto operator<=>(Id, Id) = default;
};

// As a process in the container sees it (0, 1000).
using ContainerUid = Id<struct ContainerUidTag>;
using ContainerGid = Id<struct ContainerGidTag>;
// As the kernel outside sees it (100000, 101000): what FUSE requests carry and attributes show.
using HostUid = Id<struct HostUidTag>;
using HostGid = Id<struct HostGidTag>;
// What is on disk.
using StoredUid = Id<struct StoredUidTag>;
using StoredGid = Id<struct StoredGidTag>;

// Shown for a stored id that has no host id. The kernel makes INVALID_UID of it, and so treats the
// file as an idmapped mount does: stat(2) shows the overflow id, nobody is its owner, writing is
// EACCES and unlinking it EOVERFLOW. (fs/user_namespace: make_kuid(); HAS_UNMAPPED_ID() in
// fs/namei.c, kernel 6.18; test: UnmappedIdOnDiskIsNobodys.)
inline constexpr std::uint32_t kUnmappedId = 0xFFFFFFFF;

// The number of an inode on the FUSE connection (FUSE's nodeid). 1 is the root.
using NodeId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;

// The number of an open file or directory on the connection (FUSE's fh). Never used twice.
using HandleId = std::uint64_t;

}  // namespace cvfs
