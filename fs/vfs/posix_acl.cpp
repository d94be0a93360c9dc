#include "vfs/posix_acl.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <cstring>

namespace cvfs {

namespace {

constexpr std::uint16_t kRwx = 07;

template <class Type>
Type at(std::span<const std::byte> bytes, std::size_t offset) {
  Type value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

const char* xattr_of(AclKind kind) {
  return kind == AclKind::kAccess ? "system.posix_acl_access" : "system.posix_acl_default";
}

std::optional<AclKind> acl_kind(std::string_view xattr) {
  for (const AclKind kind : {AclKind::kAccess, AclKind::kDefault}) {
    if (xattr == xattr_of(kind)) return kind;
  }
  return std::nullopt;
}

std::optional<PosixAcl> PosixAcl::parse(std::span<const std::byte> bytes) {
  constexpr std::size_t kHeader = sizeof(posix_acl_xattr_header);
  constexpr std::size_t kEntry = sizeof(posix_acl_xattr_entry);
  if (bytes.size() < kHeader || (bytes.size() - kHeader) % kEntry != 0) return std::nullopt;
  if (le32toh(at<std::uint32_t>(bytes, 0)) != POSIX_ACL_XATTR_VERSION) return std::nullopt;
  PosixAcl acl;
  for (std::size_t offset = kHeader; offset < bytes.size(); offset += kEntry) {
    const auto raw = at<posix_acl_xattr_entry>(bytes, offset);
    const auto perm = static_cast<std::uint16_t>(le16toh(raw.e_perm) & kRwx);
    acl.entries_.push_back({le16toh(raw.e_tag), perm, le32toh(raw.e_id)});
  }
  if (!acl.has(ACL_USER_OBJ) || !acl.has(ACL_GROUP_OBJ) || !acl.has(ACL_OTHER)) return std::nullopt;
  return acl;
}

std::vector<std::byte> PosixAcl::bytes() const {
  std::vector<std::byte> bytes(sizeof(posix_acl_xattr_header) +
                               entries_.size() * sizeof(posix_acl_xattr_entry));
  const posix_acl_xattr_header header{htole32(POSIX_ACL_XATTR_VERSION)};
  std::memcpy(bytes.data(), &header, sizeof header);
  std::size_t offset = sizeof header;
  for (const AclEntry& entry : entries_) {
    const posix_acl_xattr_entry raw{htole16(entry.tag), htole16(entry.perm), htole32(entry.id)};
    std::memcpy(bytes.data() + offset, &raw, sizeof raw);
    offset += sizeof raw;
  }
  return bytes;
}

bool PosixAcl::has(std::uint16_t tag) const {
  return std::ranges::find(entries_, tag, &AclEntry::tag) != entries_.end();
}

std::uint16_t& PosixAcl::perm_of(std::uint16_t tag) {
  return std::ranges::find(entries_, tag, &AclEntry::tag)->perm;
}

std::uint16_t PosixAcl::perm_of(std::uint16_t tag) const {
  return std::ranges::find(entries_, tag, &AclEntry::tag)->perm;
}

std::uint16_t PosixAcl::group_class() const {
  return has(ACL_MASK) ? ACL_MASK : ACL_GROUP_OBJ;
}

bool PosixAcl::is_minimal() const {
  return !has(ACL_USER) && !has(ACL_GROUP) && !has(ACL_MASK);
}

mode_t PosixAcl::permissions() const {
  return static_cast<mode_t>(perm_of(ACL_USER_OBJ) << 6 | perm_of(group_class()) << 3 |
                             perm_of(ACL_OTHER));
}

mode_t PosixAcl::group_permissions() const {
  return static_cast<mode_t>(perm_of(ACL_GROUP_OBJ) << 3);
}

void PosixAcl::set_permissions(mode_t mode) {
  perm_of(ACL_USER_OBJ) = (mode >> 6) & kRwx;
  perm_of(group_class()) = (mode >> 3) & kRwx;
  perm_of(ACL_OTHER) = mode & kRwx;
}

void PosixAcl::inherit(mode_t mode) {
  set_permissions(permissions() & mode);
}

}  // namespace cvfs
