#include "vfs/claim.h"
#include "vfs/ownership.h"

namespace cvfs {

namespace {

class MapOwnership final : public Ownership {
 public:
  MapOwnership(Store& store, const Identity& identity) : store_(store), identity_(identity) {}

  Result<NewFile> new_file(const Caller& caller, const File&, mode_t mode) const override {
    NewFile wanted;
    wanted.uid = TRY(identity_.stored(caller.uid));
    wanted.gid = TRY(identity_.stored(caller.gid));
    wanted.mode = mode;
    wanted.umask = caller.umask;
    return wanted;
  }

  Result<Attributes> shown(const File&, const FileStatus& status) const override {
    Attributes attributes;
    attributes.status = status;
    attributes.uid = identity_.shown(StoredUid{status.uid});
    attributes.gid = identity_.shown(StoredGid{status.gid});
    return attributes;
  }

  Result<void> set_owner(const File& file, const OwnerChange& change) const override {
    const StoredUid uid = change.uid ? TRY(identity_.stored(*change.uid)) : kKeepUid;
    const StoredGid gid = change.gid ? TRY(identity_.stored(*change.gid)) : kKeepGid;
    return store_.set_owner(file, uid, gid);
  }

  Result<void> set_mode(const File& file, mode_t mode) const override {
    return store_.set_mode(file, mode);
  }

  Acls acls() const override { return Acls::kOnDisk; }
  bool is_reserved(const char* xattr) const override { return is_claim_xattr(xattr); }

 private:
  Store& store_;
  const Identity& identity_;
};

}  // namespace

std::unique_ptr<Ownership> make_map_ownership(Store& store, const Identity& identity) {
  return std::make_unique<MapOwnership>(store, identity);
}

}  // namespace cvfs
