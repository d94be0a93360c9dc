#include "vfs/op_xattr.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "idmap/xattr_ids.h"
#include "vfs/claim.h"

namespace cvfs {

namespace {

enum class Kind { kPlain, kAcl, kVirtualAcl, kCapability, kReserved, kUnsupported };

bool is_acl(std::string_view name) {
  return acl_kind(name).has_value();
}

// XFS shows each ACL a second time, with ids that nobody would translate.
bool is_acl_of_xfs(std::string_view name) {
  return name == "trusted.SGI_ACL_FILE" || name == "trusted.SGI_ACL_DEFAULT";
}

Kind kind_of(const Mount& mount, const char* name) {
  const std::string_view text(name);
  if (mount.owners->is_reserved(name) || is_acl_of_xfs(text)) return Kind::kReserved;
  if (text.starts_with("user.") || text.starts_with("trusted.")) return Kind::kPlain;
  if (text == "security.capability") return Kind::kCapability;
  if (!is_acl(text) || mount.owners->acls() == Ownership::Acls::kNone) return Kind::kUnsupported;
  return mount.owners->acls() == Ownership::Acls::kOnDisk ? Kind::kAcl : Kind::kVirtualAcl;
}

Result<std::vector<std::byte>> read_whole(Mount& mount, const File& file, const char* name) {
  std::vector<std::byte> value(256);
  for (;;) {
    const auto size = mount.store->get_xattr(file, name, value);
    if (size) {
      value.resize(*size);
      return value;
    }
    if (size.error().value != ERANGE) return fail(size.error());
    // It may grow between the two calls: then we ask again.
    value.resize(TRY(mount.store->get_xattr(file, name, {})) + 1);
  }
}

// Was there one before the request? As it was when the request came first.
bool was_there(Mount& mount, const Intent& intent, const File& file, const char* name) {
  if (intent.planned()) return intent.detail() != 0;
  return mount.store->get_xattr(file, name, {}).has_value();
}

// XATTR_CREATE would find what the request itself had made before; all else can be done again.
Result<void> set_once(Mount& mount, Intent& intent, const File& file, const char* name,
                      std::span<const std::byte> value, int flags, bool keep_setgid) {
  if ((flags & XATTR_CREATE) == 0)
    return mount.store->set_xattr(file, name, value, flags, keep_setgid);
  const bool had_one = was_there(mount, intent, file, name);
  return exactly_once(
      intent, [&] { return mount.store->set_xattr(file, name, value, flags, keep_setgid); },
      [&] {
        const auto there = read_whole(mount, file, name);
        return !had_one && there && std::ranges::equal(*there, value);
      },
      had_one ? 1 : 0);
}

Result<void> remove_once(Mount& mount, Intent& intent, const File& file, const char* name) {
  const bool had_one = was_there(mount, intent, file, name);
  return exactly_once(
      intent, [&] { return mount.store->remove_xattr(file, name); },
      [&] { return had_one && !mount.store->get_xattr(file, name, {}); }, had_one ? 1 : 0);
}

// A change of the file's capability, which may also be a mark of ours.
template <class Change>
Result<void> beside_setid(Mount& mount, const File& file, Change change) {
  TRY(mount.owners->unwatch_setid(file));
  const Result<void> changed = change();
  (void)mount.owners->watch_setid(file);
  return changed;
}

bool is_setid_mark(Mount& mount, const File& file, const char* name) {
  if (kind_of(mount, name) != Kind::kCapability) return false;
  const auto value = read_whole(mount, file, name);
  return value && mount.owners->is_setid_mark(*value);
}

}  // namespace

Result<std::vector<std::byte>> op_getxattr(Mount& mount, NodeId node, const char* name) {
  const Kind kind = kind_of(mount, name);
  if (kind == Kind::kReserved) return fail(ENODATA);
  if (kind == Kind::kUnsupported) return fail(is_acl(name) ? ENODATA : EOPNOTSUPP);
  const PinnedFile file = TRY(mount.pin(node));
  if (kind == Kind::kVirtualAcl) return mount.owners->acl(*file, *acl_kind(name));
  auto read = read_whole(mount, *file, name);
  if (!read && kind == Kind::kAcl && read.error().value == EOPNOTSUPP) return fail(ENODATA);
  std::vector<std::byte> value = TRY(std::move(read));
  if (kind == Kind::kAcl) TRY(translate_acl_to_shown(value, *mount.identity));
  if (kind == Kind::kCapability) {
    if (mount.owners->is_setid_mark(value)) return fail(ENODATA);
    const FileCapability shown = TRY(translate_capability_to_shown(value, *mount.identity));
    value.assign(std::begin(shown.bytes), std::end(shown.bytes));
  }
  return value;
}

Result<void> op_setxattr(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                         const char* name, std::span<const std::byte> value, int flags,
                         bool keep_setgid) {
  const Kind kind = kind_of(mount, name);
  if (kind == Kind::kReserved) return fail(EPERM);
  if (kind == Kind::kUnsupported) return fail(EOPNOTSUPP);
  const PinnedFile file = TRY(mount.pin(node));
  if (kind == Kind::kCapability) {
    const FileCapability stored = TRY(translate_capability_to_stored(value, *mount.identity));
    return beside_setid(mount, *file, [&] {
      return set_once(mount, intent, *file, name, stored.bytes, flags, false);
    });
  }
  if (kind == Kind::kPlain) return set_once(mount, intent, *file, name, value, flags, false);

  if (kind == Kind::kVirtualAcl) {
    TRY(mount.owners->set_acl(*file, *acl_kind(name), value, keep_setgid));
  } else {
    std::vector<std::byte> acl(value.begin(), value.end());
    TRY(translate_acl_to_stored(acl, *mount.identity));
    TRY(set_once(mount, intent, *file, name, acl, flags, keep_setgid));
  }
  if (TRY(mount.inodes.find(node))->unclaimed && !is_hosts_root(mount, caller)) {
    end_unclaimed(mount, node, *file);
  }
  return {};
}

Result<void> op_removexattr(Mount& mount, Intent& intent, NodeId node, const char* name) {
  const Kind kind = kind_of(mount, name);
  if (kind == Kind::kReserved) return fail(ENODATA);
  if (kind == Kind::kUnsupported) return fail(EOPNOTSUPP);
  const PinnedFile file = TRY(mount.pin(node));
  if (kind == Kind::kVirtualAcl) return mount.owners->remove_acl(*file, *acl_kind(name));
  if (kind != Kind::kCapability) return remove_once(mount, intent, *file, name);
  return beside_setid(mount, *file, [&] { return remove_once(mount, intent, *file, name); });
}

Result<std::vector<char>> op_listxattr(Mount& mount, const Caller& caller, NodeId node) {
  const PinnedFile file = TRY(mount.pin(node));
  const std::vector<char> all = TRY(mount.store->list_xattrs(*file));
  std::vector<char> shown;
  for (std::size_t at = 0; at < all.size();) {
    const char* name = all.data() + at;
    const std::size_t length = std::strlen(name) + 1;
    if (const auto acl = mount.owners->acl_behind(name)) {
      const std::string_view as_acl(xattr_of(*acl));
      shown.insert(shown.end(), as_acl.begin(), as_acl.end());
      shown.push_back('\0');
    }
    const Kind kind = kind_of(mount, name);
    const bool hidden = caller.uid.value != 0 && std::string_view(name).starts_with("trusted.");
    const bool is_shown = kind != Kind::kReserved && kind != Kind::kUnsupported &&
                          kind != Kind::kVirtualAcl && !hidden;
    if (is_shown && !is_setid_mark(mount, *file, name)) {
      shown.insert(shown.end(), name, name + length);
    }
    at += length;
  }
  return shown;
}

}  // namespace cvfs
