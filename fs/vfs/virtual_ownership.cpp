#include <endian.h>
#include <linux/capability.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "idmap/override_stat.h"
#include "idmap/xattr_ids.h"
#include "vfs/claim.h"
#include "vfs/ownership.h"

namespace cvfs {

namespace {

// user.* is for regular files and directories alone; the tenant's backups take it along.
struct XattrNames {
  const char* override_stat;
  const char* access_acl;
  const char* default_acl;

  const char* acl(AclKind kind) const {
    return kind == AclKind::kAccess ? access_acl : default_acl;
  }
};
constexpr XattrNames kUserNames{"user.containers.override_stat", "user.cvfs.posix_acl_access",
                                "user.cvfs.posix_acl_default"};
constexpr XattrNames kTrustedNames{"trusted.cvfs.override_stat", "trusted.cvfs.posix_acl_access",
                                   "trusted.cvfs.posix_acl_default"};

constexpr const char* kCapability = "security.capability";
// Whether setid bits are watched (watch_setid()). Not for the tenant's backups: those leave the
// capability out, too.
constexpr const char* kSetidWatched = "trusted.cvfs.setid_watched";

const XattrNames& names_for(mode_t mode_on_disk) {
  return S_ISREG(mode_on_disk) || S_ISDIR(mode_on_disk) ? kUserNames : kTrustedNames;
}

using sys::kPermissionBits;
constexpr mode_t kSetidBits = S_ISUID | S_ISGID;
constexpr mode_t kRwxBits = S_IRWXU | S_IRWXG | S_IRWXO;

// Setgid without the group's right to execute is none, and stays.
mode_t setid_that_chown_clears(mode_t mode) {
  return (mode & S_IXGRP) != 0 ? kSetidBits : S_ISUID;
}

// ERANGE: longer than any that is one.
bool is_none(int error) {
  return error == ENODATA || error == EOPNOTSUPP || error == ERANGE;
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class VirtualOwnership final : public Ownership {
 public:
  VirtualOwnership(Store& store, const Identity& identity)
      : store_(store),
        identity_(identity),
        tenant_uid_(*identity.store().uids.to_outside(0)),
        tenant_gid_(*identity.store().gids.to_outside(0)) {}

  Result<NewFile> new_file(const Caller& caller, const File& directory,
                           mode_t mode) const override {
    OverrideStat values{TRY(identity_.container(caller.uid)), TRY(identity_.container(caller.gid)),
                        mode};
    const OverrideStat above = TRY(read(directory, TRY(store_.status(directory))));
    if ((above.mode & S_ISGID) != 0) {
      values.gid = above.gid;
      if (S_ISDIR(mode)) values.mode |= S_ISGID;
    }
    std::optional<PosixAcl> inherited;
    if (!S_ISLNK(mode)) inherited = TRY(read_acl(directory, S_IFDIR, AclKind::kDefault));
    const std::optional<PosixAcl> defaults = inherited;
    if (inherited) {
      inherited->inherit(mode);
      values.mode = (values.mode & ~kRwxBits) | inherited->permissions();
      if (inherited->is_minimal()) inherited.reset();
    } else {
      values.mode &= ~caller.umask;
    }
    if (S_ISLNK(mode)) values.mode = S_IFLNK | 0777;
    return labelled(values, inherited, S_ISDIR(mode) ? defaults : std::nullopt);
  }

  Result<Attributes> shown(const File& file, const FileStatus& status) const override {
    Attributes attributes;
    attributes.status = status;
    if (status.uid != tenant_uid_) {
      // Not the tenant's: what the xattr says of it means nothing.
      attributes.uid = HostUid{kUnmappedId};
      attributes.gid = HostGid{kUnmappedId};
      return attributes;
    }
    const OverrideStat values = TRY(read(file, status));
    attributes.uid = identity_.shown(values.uid);
    attributes.gid = identity_.shown(values.gid);
    attributes.status.mode = values.mode;
    return attributes;
  }

  Result<void> set_owner(const File& file, const OwnerChange& change) const override {
    const FileStatus status = TRY(own_status(file));
    OverrideStat values = TRY(read(file, status));
    if (change.uid) values.uid = *change.uid;
    if (change.gid) values.gid = *change.gid;
    if (!status.is_directory()) values.mode &= ~setid_that_chown_clears(values.mode);
    return write(file, status, values);
  }

  Result<void> set_mode(const File& file, mode_t mode) const override {
    const FileStatus status = TRY(own_status(file));
    if (status.is_symlink()) return fail(EOPNOTSUPP);
    std::optional<PosixAcl> acl = TRY(read_acl(file, status.mode, AclKind::kAccess));
    if (acl) {
      acl->set_permissions(mode);
      TRY(write_acl(file, status.mode, AclKind::kAccess, *acl));
    }
    return write_mode(file, status, mode & kPermissionBits, acl);
  }

  bool has_virtual_modes() const override { return true; }

  Result<void> before_write(const File& file, bool keep_setid) const override {
    if (keep_setid) return {};
    const FileStatus status = TRY(own_status(file));
    OverrideStat values = TRY(read(file, status));
    if ((values.mode & kSetidBits) == 0) return {};
    values.mode &= ~kSetidBits;
    return write(file, status, values);
  }

  // A write takes a file's capability away, whoever lets it through. So a capability to nothing is
  // put beside the bits, and a note that it was: if the one is there without the other, it was
  // written.
  bool watch_setid(const File& file) const override {
    const auto status = own_status(file);
    const auto values = status ? read(file, *status) : fail(status.error());
    if (!values) return false;
    if (!has_bits_to_lose(values->mode) || has_xattr(file, kSetidWatched)) return true;
    const vfs_ns_cap_data mark = setid_mark();
    const auto bytes = std::as_bytes(std::span(&mark, 1));
    if (!has_xattr(file, kCapability) && !store_.set_xattr(file, kCapability, bytes, 0, false)) {
      return false;
    }
    return store_.set_xattr(file, kSetidWatched, {}, 0, false).has_value();
  }

  Result<void> unwatch_setid(const File& file) const override {
    if (!has_xattr(file, kSetidWatched)) return {};
    const FileStatus status = TRY(own_status(file));
    TRY(write(file, status, TRY(read(file, status))));
    TRY(store_.remove_xattr(file, kSetidWatched));
    std::byte bytes[sizeof(vfs_ns_cap_data)];
    const auto size = store_.get_xattr(file, kCapability, bytes);
    if (!size || !is_setid_mark(std::span(bytes).first(*size))) return {};
    return store_.remove_xattr(file, kCapability);
  }

  bool is_setid_mark(std::span<const std::byte> capability) const override {
    const vfs_ns_cap_data mark = setid_mark();
    return std::ranges::equal(capability, std::as_bytes(std::span(&mark, 1)));
  }

  Acls acls() const override { return Acls::kVirtual; }

  Result<std::vector<std::byte>> acl(const File& file, AclKind kind) const override {
    const FileStatus status = TRY(store_.status(file));
    if (status.uid != tenant_uid_) return fail(ENODATA);
    const auto known = TRY(read_acl(file, status.mode, kind));
    if (!known) return fail(ENODATA);
    std::vector<std::byte> bytes = known->bytes();
    TRY(translate_acl_from_container(bytes, identity_));
    return bytes;
  }

  // An ACL that says no more than a mode is one: only the mode is kept, as ext4 does it.
  Result<void> set_acl(const File& file, AclKind kind, std::span<const std::byte> value,
                       bool keep_setgid) const override {
    const FileStatus status = TRY(own_status(file));
    if (status.is_symlink()) return fail(EOPNOTSUPP);
    std::vector<std::byte> bytes(value.begin(), value.end());
    TRY(translate_acl_to_container(bytes, identity_));
    const auto acl = PosixAcl::parse(bytes);
    if (!acl) return fail(EINVAL);
    if (kind == AclKind::kDefault) {
      if (!status.is_directory()) return fail(EACCES);
      return write_acl(file, status.mode, kind, *acl);
    }
    if (acl->is_minimal()) {
      TRY(remove_acl(file, kind));
    } else {
      TRY(write_acl(file, status.mode, kind, *acl));
    }
    mode_t kept = TRY(read(file, status)).mode & kPermissionBits & ~kRwxBits;
    if (!keep_setgid) kept &= ~static_cast<mode_t>(S_ISGID);
    return write_mode(file, status, kept | acl->permissions(), acl);
  }

  // The mode stays what it is: its group bits were the mask's.
  Result<void> remove_acl(const File& file, AclKind kind) const override {
    const FileStatus status = TRY(own_status(file));
    const auto removed = store_.remove_xattr(file, names_for(status.mode).acl(kind));
    if (!removed && !is_none(removed.error().value)) return fail(removed.error());
    return {};
  }

  std::optional<AclKind> acl_behind(const char* xattr) const override {
    for (const XattrNames& names : {kUserNames, kTrustedNames}) {
      for (const AclKind kind : {AclKind::kAccess, AclKind::kDefault}) {
        if (std::strcmp(xattr, names.acl(kind)) == 0) return kind;
      }
    }
    return std::nullopt;
  }

  bool is_reserved(const char* xattr) const override {
    return is_claim_xattr(xattr) || std::strcmp(xattr, kUserNames.override_stat) == 0 ||
           std::strcmp(xattr, kTrustedNames.override_stat) == 0 ||
           std::strcmp(xattr, kSetidWatched) == 0 || acl_behind(xattr);
  }

 private:
  // The tenant can always use what is theirs; setid and sticky bits never reach the disk, and what
  // an ACL's mask lets through is not for the tenant's group.
  static mode_t mode_on_disk(mode_t mode, const std::optional<PosixAcl>& acl) {
    if (acl) mode = (mode & ~static_cast<mode_t>(S_IRWXG)) | (mode & acl->group_permissions());
    const mode_t own = S_ISDIR(mode) ? S_IRWXU : (S_IRUSR | S_IWUSR);
    return (mode & ~static_cast<mode_t>(kSetidBits | S_ISVTX)) | own;
  }

  NewFile labelled(const OverrideStat& values, const std::optional<PosixAcl>& access,
                   const std::optional<PosixAcl>& defaults) const {
    const XattrNames& names = names_for(values.mode);
    NewFile wanted;
    wanted.uid = StoredUid{tenant_uid_};
    wanted.gid = StoredGid{tenant_gid_};
    wanted.mode = mode_on_disk(values.mode, access);
    wanted.xattrs.push_back({names.override_stat, text_of(values)});
    if (access) wanted.xattrs.push_back({names.access_acl, as_text(access->bytes())});
    if (defaults) wanted.xattrs.push_back({names.default_acl, as_text(defaults->bytes())});
    return wanted;
  }

  // EPERM: the file belongs to somebody else on disk, so it is not for containers to give away.
  Result<FileStatus> own_status(const File& file) const {
    const FileStatus status = TRY(store_.status(file));
    if (status.uid != tenant_uid_) return fail(EPERM);
    return status;
  }

  // Without an xattr (the host's user made it): container root's, with the mode on disk.
  Result<OverrideStat> read(const File& file, const FileStatus& status) const {
    char text[64];
    const auto size = store_.get_xattr(file, names_for(status.mode).override_stat,
                                       std::as_writable_bytes(std::span(text)));
    if (size) {
      auto parsed = parse_override_stat({text, *size}, status.mode);
      if (parsed && has_lost_bits(file, parsed->mode)) {
        parsed->mode &= ~setid_that_chown_clears(parsed->mode);
      }
      if (parsed) return *parsed;
    } else if (!is_none(size.error().value)) {
      return fail(size.error());
    }
    return OverrideStat{ContainerUid{0}, ContainerGid{0}, status.mode};
  }

  Result<void> write(const File& file, const FileStatus& status, const OverrideStat& values) const {
    const std::string text = text_of(values);
    return store_.set_xattr(file, names_for(status.mode).override_stat,
                            std::as_bytes(std::span(text)), 0, false);
  }

  Result<void> write_mode(const File& file, const FileStatus& status, mode_t permissions,
                          const std::optional<PosixAcl>& acl) const {
    OverrideStat values = TRY(read(file, status));
    values.mode = (values.mode & S_IFMT) | permissions;
    const mode_t on_disk = mode_on_disk((status.mode & S_IFMT) | permissions, acl);
    TRY(store_.set_mode(file, on_disk & kPermissionBits));
    if (status.is_regular()) TRY(unwatch_setid(file));
    TRY(write(file, status, values));
    if (status.is_regular()) (void)watch_setid(file);
    return {};
  }

  static bool has_bits_to_lose(mode_t mode) {
    return S_ISREG(mode) && (mode & setid_that_chown_clears(mode)) != 0;
  }

  bool has_xattr(const File& file, const char* name) const {
    return store_.get_xattr(file, name, {}).has_value();
  }

  bool has_lost_bits(const File& file, mode_t mode) const {
    return has_bits_to_lose(mode) && has_xattr(file, kSetidWatched) &&
           !has_xattr(file, kCapability);
  }

  // Version 3, of the tenant's: it counts for nobody, and gives nothing.
  vfs_ns_cap_data setid_mark() const {
    vfs_ns_cap_data mark{};
    mark.magic_etc = htole32(VFS_CAP_REVISION_3);
    mark.rootid = htole32(tenant_uid_);
    return mark;
  }

  // In container ids. Nothing: there is none, or what is there is none.
  Result<std::optional<PosixAcl>> read_acl(const File& file, mode_t type, AclKind kind) const {
    constexpr std::size_t kMost = 4096;  // some 500 entries
    std::byte bytes[kMost];
    const auto size = store_.get_xattr(file, names_for(type).acl(kind), bytes);
    if (size) return PosixAcl::parse(std::span(bytes).first(*size));
    if (is_none(size.error().value)) return std::optional<PosixAcl>();
    return fail(size.error());
  }

  Result<void> write_acl(const File& file, mode_t type, AclKind kind, const PosixAcl& acl) const {
    return store_.set_xattr(file, names_for(type).acl(kind), acl.bytes(), 0, false);
  }

  Store& store_;
  const Identity& identity_;
  std::uint32_t tenant_uid_;
  std::uint32_t tenant_gid_;
};

}  // namespace

std::unique_ptr<Ownership> make_virtual_ownership(Store& store, const Identity& identity) {
  return std::make_unique<VirtualOwnership>(store, identity);
}

}  // namespace cvfs
