#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "vfs/claim.h"
#include "vfs/ownership.h"

namespace cvfs {

namespace {

constexpr const char* kUserXattr = "user.containers.override_stat";
constexpr const char* kTrustedXattr = "trusted.cvfs.override_stat";

using sys::kPermissionBits;
constexpr mode_t kSetidBits = S_ISUID | S_ISGID;

// Owner and mode as the containers see them.
struct Override {
  ContainerUid uid;
  ContainerGid gid;
  mode_t mode = 0;  // permission bits
};

template <class Integer>
bool read_field(std::string_view& text, Integer& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) {
    if (text.front() != ':') return false;
    text.remove_prefix(1);
  }
  return true;
}

// "UID:GID:0MODE", also with the ":TYPE" that newer containers-storage appends.
std::optional<Override> parse_override(std::string_view text) {
  Override parsed;
  if (!read_field(text, parsed.uid.value, 10)) return std::nullopt;
  if (!read_field(text, parsed.gid.value, 10)) return std::nullopt;
  if (!read_field(text, parsed.mode, 8)) return std::nullopt;
  parsed.mode &= kPermissionBits;
  return parsed;
}

std::string text_of(const Override& values) {
  char text[48];
  std::snprintf(text, sizeof text, "%u:%u:0%o", values.uid.value, values.gid.value, values.mode);
  return text;
}

// ERANGE: longer than any that is one.
bool is_no_override(int error) {
  return error == ENODATA || error == EOPNOTSUPP || error == ERANGE;
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
    Override values{TRY(identity_.container(caller.uid)), TRY(identity_.container(caller.gid)),
                    mode & ~caller.umask & kPermissionBits};
    const Override above = TRY(read(directory, TRY(store_.status(directory))));
    if ((above.mode & S_ISGID) != 0) {
      values.gid = above.gid;
      if (S_ISDIR(mode)) values.mode |= S_ISGID;
    }
    if (S_ISLNK(mode)) values.mode = 0777;

    NewFile wanted;
    wanted.uid = StoredUid{tenant_uid_};
    wanted.gid = StoredGid{tenant_gid_};
    wanted.mode = mode_on_disk(mode & ~caller.umask);
    wanted.xattr = xattr_for(mode);
    wanted.xattr_value = text_of(values);
    return wanted;
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
    const Override values = TRY(read(file, status));
    attributes.uid = identity_.shown(values.uid);
    attributes.gid = identity_.shown(values.gid);
    attributes.status.mode = (status.mode & ~kPermissionBits) | values.mode;
    return attributes;
  }

  Result<void> set_owner(const File& file, const OwnerChange& change) const override {
    const FileStatus status = TRY(own_status(file));
    Override values = TRY(read(file, status));
    if (change.uid) values.uid = *change.uid;
    if (change.gid) values.gid = *change.gid;
    if (!status.is_directory()) values.mode &= ~kSetidBits;  // as chown(2) does
    return write(file, status, values);
  }

  Result<void> set_mode(const File& file, mode_t mode) const override {
    const FileStatus status = TRY(own_status(file));
    if (status.is_symlink()) return fail(EOPNOTSUPP);
    Override values = TRY(read(file, status));
    values.mode = mode & kPermissionBits;
    TRY(store_.set_mode(file, mode_on_disk((status.mode & S_IFMT) | values.mode)));
    return write(file, status, values);
  }

  Result<void> before_write(const File& file, bool keep_setid) const override {
    if (keep_setid) return {};
    const FileStatus status = TRY(own_status(file));
    Override values = TRY(read(file, status));
    if ((values.mode & kSetidBits) == 0) return {};
    values.mode &= ~kSetidBits;
    return write(file, status, values);
  }

  bool has_acls() const override { return false; }
  bool is_reserved(const char* xattr) const override {
    return is_claim_xattr(xattr) || std::strcmp(xattr, kUserXattr) == 0 ||
           std::strcmp(xattr, kTrustedXattr) == 0;
  }

 private:
  static const char* xattr_for(mode_t mode) {
    return S_ISREG(mode) || S_ISDIR(mode) ? kUserXattr : kTrustedXattr;
  }

  // The tenant can always use what is theirs; setid and sticky bits never reach the disk.
  static mode_t mode_on_disk(mode_t mode) {
    const mode_t own = S_ISDIR(mode) ? S_IRWXU : (S_IRUSR | S_IWUSR);
    return (mode & ~static_cast<mode_t>(kSetidBits | S_ISVTX)) | own;
  }

  // EPERM: the file belongs to somebody else on disk, so it is not for containers to give away.
  Result<FileStatus> own_status(const File& file) const {
    const FileStatus status = TRY(store_.status(file));
    if (status.uid != tenant_uid_) return fail(EPERM);
    return status;
  }

  // Without an xattr (the host's user made it): container root's, with the mode on disk.
  Result<Override> read(const File& file, const FileStatus& status) const {
    char text[64];
    const auto size =
        store_.get_xattr(file, xattr_for(status.mode), std::as_writable_bytes(std::span(text)));
    if (size) {
      if (const auto parsed = parse_override({text, *size})) return *parsed;
    } else if (!is_no_override(size.error().value)) {
      return fail(size.error());
    }
    return Override{ContainerUid{0}, ContainerGid{0}, status.mode & kPermissionBits};
  }

  Result<void> write(const File& file, const FileStatus& status, const Override& values) const {
    const std::string text = text_of(values);
    return store_.set_xattr(file, xattr_for(status.mode), std::as_bytes(std::span(text)), 0, false);
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
