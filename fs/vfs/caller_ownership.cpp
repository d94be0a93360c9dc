#include "vfs/claim.h"
#include "vfs/ownership.h"

namespace cvfs {

namespace {

// A setuid program would run as whoever asked last: the kernel has one owner an inode.
mode_t without_setid(mode_t mode) {
  return S_ISDIR(mode) ? mode : mode & ~static_cast<mode_t>(S_ISUID | S_ISGID);
}

class CallerOwnership final : public Ownership {
 public:
  CallerOwnership(Store& store, const Identity& identity)
      : store_(store),
        identity_(identity),
        tenant_uid_(*identity.store().uids.to_outside(0)),
        tenant_gid_(*identity.store().gids.to_outside(0)) {}

  Result<NewFile> new_file(const Caller& caller, const File&, mode_t mode) const override {
    TRY(identity_.container(caller.uid));
    TRY(identity_.container(caller.gid));
    NewFile wanted;
    wanted.uid = StoredUid{tenant_uid_};
    wanted.gid = StoredGid{tenant_gid_};
    wanted.mode = without_setid(mode);
    wanted.umask = caller.umask;
    return wanted;
  }

  // As somebody who has no container id sees it: container root's.
  Result<Attributes> shown(const File&, const FileStatus& status) const override {
    Attributes attributes;
    attributes.status = status;
    const bool is_tenants = status.uid == tenant_uid_;
    attributes.uid = is_tenants ? identity_.shown(ContainerUid{0}) : HostUid{kUnmappedId};
    attributes.gid = is_tenants ? identity_.shown(ContainerGid{0}) : HostGid{kUnmappedId};
    attributes.status.mode = without_setid(status.mode);
    return attributes;
  }

  // Nothing to store: vfs/op_access.h has checked that the caller may. The change time moves.
  Result<void> set_owner(const File& file, const OwnerChange&) const override {
    return store_.set_owner(file, kKeepUid, kKeepGid);
  }

  Result<void> set_mode(const File& file, mode_t mode) const override {
    const FileStatus status = TRY(store_.status(file));
    return store_.set_mode(file, without_setid((status.mode & S_IFMT) | mode) & 07777);
  }

  bool belongs_to_caller() const override { return true; }

  void show_to(const Caller& caller, Attributes& attributes) const override {
    const auto uid = identity_.container(caller.uid);
    const auto gid = identity_.container(caller.gid);
    if (attributes.uid.value == kUnmappedId || !uid || !gid) return;
    attributes.uid = identity_.shown(*uid);
    attributes.gid = identity_.shown(*gid);
  }

  Acls acls() const override { return Acls::kNone; }
  bool is_reserved(const char* xattr) const override { return is_claim_xattr(xattr); }

 private:
  Store& store_;
  const Identity& identity_;
  std::uint32_t tenant_uid_;
  std::uint32_t tenant_gid_;
};

}  // namespace

std::unique_ptr<Ownership> make_caller_ownership(Store& store, const Identity& identity) {
  return std::make_unique<CallerOwnership>(store, identity);
}

}  // namespace cvfs
