// POSIX ACLs and what they have to do with a mode: the rules of the kernel's fs/posix_acl.c and of
// acl(5), for filesystems whose ACLs we keep ourselves. Pure; any thread. Bytes are those of the
// extended attribute (linux/posix_acl_xattr.h, version 2).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cvfs {

enum class AclKind { kAccess, kDefault };

// "system.posix_acl_access" and "system.posix_acl_default".
const char* xattr_of(AclKind kind);
std::optional<AclKind> acl_kind(std::string_view xattr);

struct AclEntry {
  std::uint16_t tag;   // ACL_USER_OBJ …
  std::uint16_t perm;  // rwx
  std::uint32_t id;
};

class PosixAcl {
 public:
  // Nothing: not a version 2 ACL with an owner, a group and an other entry.
  static std::optional<PosixAcl> parse(std::span<const std::byte> bytes);
  std::vector<std::byte> bytes() const;

  // Does it say no more than a mode can?
  bool is_minimal() const;
  // The nine bits that stat(2) shows: the mask instead of the group, if there is one.
  mode_t permissions() const;
  // The group's own bits, whatever the mask.
  mode_t group_permissions() const;
  // chmod(2).
  void set_permissions(mode_t mode);
  // As the default ACL of a directory in which a file is made with `mode`: what the file gets.
  // Bits that the mode does not have are taken away.
  void inherit(mode_t mode);

 private:
  std::uint16_t& perm_of(std::uint16_t tag);
  std::uint16_t perm_of(std::uint16_t tag) const;
  bool has(std::uint16_t tag) const;
  // The entry that stands for the mode's group bits.
  std::uint16_t group_class() const;

  std::vector<AclEntry> entries_;
};

}  // namespace cvfs
