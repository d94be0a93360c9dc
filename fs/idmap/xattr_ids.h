// The extended attributes that hold ids, as bytes: POSIX ACLs (system.posix_acl_access and
// _default; linux/posix_acl_xattr.h, version 2) and file capabilities (security.capability, v2 and
// v3; linux/capability.h, capabilities(7)). Pure; any thread. Values are little-endian.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "idmap/identity.h"

namespace cvfs {

// Rewrites the ids of ACL_USER and ACL_GROUP entries in place; nothing else changes.
// EINVAL: not a version 2 ACL. EOVERFLOW (to_stored only): an id that has no stored id; `acl` is
// then translated in part, and of no use.
Result<void> translate_acl_to_stored(std::span<std::byte> acl, const Identity& identity);
// An id that has no host id is shown as 4294967294, which is nobody's (kUnmappedId would be "no id"
// to the kernel, and make the whole ACL EINVAL there).
Result<void> translate_acl_to_shown(std::span<std::byte> acl, const Identity& identity);

// The same between host ids and container ids (owner=virtual keeps those). EINVAL, EOVERFLOW.
Result<void> translate_acl_to_container(std::span<std::byte> acl, const Identity& identity);
Result<void> translate_acl_from_container(std::span<std::byte> acl, const Identity& identity);

// security.capability is stored as v3 with the rootid of a *stored* id, always: a v2 value on disk
// would give its capabilities to processes of the host. A v2 value (set by the host's root or by a
// --userns=host container) gets the rootid of container root.
// EINVAL: neither v2 nor v3. EOVERFLOW: a rootid that has no stored id.
inline constexpr std::size_t kFileCapabilitySize = 24;  // sizeof(struct vfs_ns_cap_data)
struct FileCapability {
  std::byte bytes[kFileCapabilitySize];
};
Result<FileCapability> translate_capability_to_stored(std::span<const std::byte> value,
                                                      const Identity& identity);
// v3 with the rootid as a host id. ENODATA: a v2 value on disk, or a rootid without a host id:
// not a capability of this view's containers.
Result<FileCapability> translate_capability_to_shown(std::span<const std::byte> value,
                                                     const Identity& identity);

}  // namespace cvfs
