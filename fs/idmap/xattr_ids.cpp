#include "idmap/xattr_ids.h"

#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <cstdint>

namespace cvfs {
namespace {

static_assert(kFileCapabilitySize == XATTR_CAPS_SZ_3);

// What an id without a host id is shown as inside an ACL: the last id that the kernel takes there.
// The overflow id 65534 would not do: it can be somebody in a container.
constexpr std::uint32_t kNobodysId = 0xFFFFFFFE;

template <class Integer>
Integer load_little_endian(std::span<const std::byte> bytes) {
  Integer value = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    value = static_cast<Integer>((value << 8) | std::to_integer<Integer>(bytes[i]));
  }
  return value;
}

void store_little_endian(std::span<std::byte> bytes, std::uint32_t value) {
  for (std::size_t i = 0; i < sizeof value; ++i, value >>= 8) bytes[i] = std::byte(value & 0xFF);
}

constexpr std::size_t kAclHeaderSize = sizeof(posix_acl_xattr_header);
constexpr std::size_t kAclEntrySize = sizeof(posix_acl_xattr_entry);

bool is_version_2_acl(std::span<const std::byte> acl) {
  return acl.size() >= kAclHeaderSize && (acl.size() - kAclHeaderSize) % kAclEntrySize == 0 &&
         load_little_endian<std::uint32_t>(acl) == POSIX_ACL_XATTR_VERSION;
}

// `translate_uid` and `translate_gid` take and return plain numbers, the latter as Result.
template <class TranslateUid, class TranslateGid>
Result<void> translate_acl(std::span<std::byte> acl, TranslateUid translate_uid,
                           TranslateGid translate_gid) {
  if (!is_version_2_acl(acl)) return fail(EINVAL);
  for (auto rest = acl.subspan(kAclHeaderSize); !rest.empty(); rest = rest.subspan(kAclEntrySize)) {
    const auto tag = load_little_endian<std::uint16_t>(rest);
    const auto id_bytes = rest.subspan(offsetof(posix_acl_xattr_entry, e_id), 4);
    const auto id = load_little_endian<std::uint32_t>(id_bytes);
    if (tag == ACL_USER) store_little_endian(id_bytes, TRY(translate_uid(id)));
    if (tag == ACL_GROUP) store_little_endian(id_bytes, TRY(translate_gid(id)));
  }
  return {};
}

template <class Id>
Result<std::uint32_t> number(Result<Id> id) {
  return TRY(id).value;
}

Result<std::uint32_t> or_nobodys_id(std::uint32_t shown) {
  return shown == kUnmappedId ? kNobodysId : shown;
}

// struct vfs_ns_cap_data: magic_etc, two pairs of permitted and inheritable, and in v3 the rootid.
// v2 is the same without the rootid.
constexpr std::size_t kRootidOffset = offsetof(vfs_ns_cap_data, rootid);
static_assert(kRootidOffset == XATTR_CAPS_SZ_2);

bool is_revision(std::span<const std::byte> value, std::uint32_t revision, std::size_t size) {
  return value.size() == size &&
         (load_little_endian<std::uint32_t>(value) & VFS_CAP_REVISION_MASK) == revision;
}

bool is_version_2_capability(std::span<const std::byte> value) {
  return is_revision(value, VFS_CAP_REVISION_2, XATTR_CAPS_SZ_2);
}

bool is_version_3_capability(std::span<const std::byte> value) {
  return is_revision(value, VFS_CAP_REVISION_3, XATTR_CAPS_SZ_3);
}

std::uint32_t rootid(std::span<const std::byte> version_3) {
  return load_little_endian<std::uint32_t>(version_3.subspan(kRootidOffset));
}

// `value`, v2 or v3, as v3 with `rootid`; flags and sets stay.
FileCapability with_rootid(std::span<const std::byte> value, std::uint32_t rootid) {
  FileCapability capability;
  const std::span<std::byte> bytes(capability.bytes);
  std::ranges::copy(value.first(kRootidOffset), bytes.begin());
  const auto flags = load_little_endian<std::uint32_t>(value) & VFS_CAP_FLAGS_MASK;
  store_little_endian(bytes, VFS_CAP_REVISION_3 | flags);
  store_little_endian(bytes.subspan(kRootidOffset), rootid);
  return capability;
}

}  // namespace

Result<void> translate_acl_to_stored(std::span<std::byte> acl, const Identity& identity) {
  return translate_acl(
      acl, [&](std::uint32_t id) { return number(identity.stored(HostUid{id})); },
      [&](std::uint32_t id) { return number(identity.stored(HostGid{id})); });
}

Result<void> translate_acl_to_shown(std::span<std::byte> acl, const Identity& identity) {
  return translate_acl(
      acl, [&](std::uint32_t id) { return or_nobodys_id(identity.shown(StoredUid{id}).value); },
      [&](std::uint32_t id) { return or_nobodys_id(identity.shown(StoredGid{id}).value); });
}

Result<void> translate_acl_to_container(std::span<std::byte> acl, const Identity& identity) {
  return translate_acl(
      acl, [&](std::uint32_t id) { return number(identity.container(HostUid{id})); },
      [&](std::uint32_t id) { return number(identity.container(HostGid{id})); });
}

Result<void> translate_acl_from_container(std::span<std::byte> acl, const Identity& identity) {
  return translate_acl(
      acl, [&](std::uint32_t id) { return or_nobodys_id(identity.shown(ContainerUid{id}).value); },
      [&](std::uint32_t id) { return or_nobodys_id(identity.shown(ContainerGid{id}).value); });
}

Result<FileCapability> translate_capability_to_stored(std::span<const std::byte> value,
                                                      const Identity& identity) {
  if (is_version_2_capability(value)) {
    return with_rootid(value, TRY(identity.stored(ContainerUid{0})).value);
  }
  if (is_version_3_capability(value)) {
    return with_rootid(value, TRY(identity.stored(HostUid{rootid(value)})).value);
  }
  return fail(EINVAL);
}

Result<FileCapability> translate_capability_to_shown(std::span<const std::byte> value,
                                                     const Identity& identity) {
  if (is_version_2_capability(value)) return fail(ENODATA);
  if (!is_version_3_capability(value)) return fail(EINVAL);
  const HostUid root = identity.shown(StoredUid{rootid(value)});
  if (root.value == kUnmappedId) return fail(ENODATA);
  return with_rootid(value, root.value);
}

}  // namespace cvfs
