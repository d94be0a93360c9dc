// Ownership: the owner policy of a view (`owner=`): whom files belong to on disk, and whom they
// are shown to belong to. One object a view, used from all threads; it has no state of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "idmap/identity.h"
#include "store/store.h"
#include "vfs/attributes.h"
#include "vfs/caller.h"
#include "vfs/posix_acl.h"

namespace cvfs {

// A new owner in container ids; what is not set stays.
struct OwnerChange {
  std::optional<ContainerUid> uid;
  std::optional<ContainerGid> gid;
};

class Ownership {
 public:
  virtual ~Ownership() = default;

  // What the caller's new file in `directory` is on disk; `mode` has its type and permissions.
  // EOVERFLOW: the caller's uid or gid is outside the view's maps.
  virtual Result<NewFile> new_file(const Caller& caller, const File& directory,
                                   mode_t mode) const = 0;

  // Whom the file belongs to and which mode it has, as callers are shown it.
  virtual Result<Attributes> shown(const File& file, const FileStatus& status) const = 0;

  // chown and chmod. EOVERFLOW: an owner that has no stored id.
  virtual Result<void> set_owner(const File& file, const OwnerChange& change) const = 0;
  virtual Result<void> set_mode(const File& file, mode_t mode) const = 0;

  // Are modes kept where the backing filesystem does not see them? Then setid bits are for us to
  // take away: before_write() does, of a file that is about to be written, or that is opened for
  // writing where the kernel writes by itself. `keep_setid`: by somebody who may keep them.
  virtual bool has_virtual_modes() const { return false; }
  virtual Result<void> before_write(const File&, bool /*keep_setid*/) const { return {}; }
  // From here on writes that we do not see take the bits, too, by way of a mark in
  // security.capability. False: they do not.
  virtual bool watch_setid(const File&) const { return false; }
  // No longer: to be called before security.capability is changed.
  virtual Result<void> unwatch_setid(const File&) const { return {}; }
  virtual bool is_setid_mark(std::span<const std::byte> /*capability*/) const { return false; }

  // owner=caller: does every file belong to whoever asks? Then attributes are each caller's own and
  // must not be cached, nothing is unclaimed, and access is for us to check (vfs/op_access.h).
  virtual bool belongs_to_caller() const { return false; }
  // The attributes that shown() gave, as this caller sees them.
  virtual void show_to(const Caller&, Attributes&) const {}

  // Is this an extended attribute of ours, that callers neither see nor change?
  virtual bool is_reserved(const char* xattr) const = 0;

  // Where ACLs are: nowhere, on disk as the backing filesystem's (translated), or with us.
  enum class Acls { kNone, kOnDisk, kVirtual };
  virtual Acls acls() const = 0;
  // Acls::kVirtual: as getxattr(2) and setxattr(2) of system.posix_acl_access and _default have
  // them, in host ids. `keep_setgid`: the caller may keep it. ENODATA: there is none. EACCES: a
  // default ACL on what is no directory. EINVAL, EOVERFLOW: idmap/xattr_ids.h.
  virtual Result<std::vector<std::byte>> acl(const File&, AclKind) const { return fail(ENODATA); }
  virtual Result<void> set_acl(const File&, AclKind, std::span<const std::byte>, bool) const {
    return fail(EOPNOTSUPP);
  }
  virtual Result<void> remove_acl(const File&, AclKind) const { return fail(EOPNOTSUPP); }
  // Which ACL an extended attribute of ours holds, if it does.
  virtual std::optional<AclKind> acl_behind(const char*) const { return std::nullopt; }
};

// owner=map: ids on disk are the container's, translated; modes and ACLs are the disk's.
std::unique_ptr<Ownership> make_map_ownership(Store& store, const Identity& identity);

// owner=virtual: everything on disk belongs to the tenant; owner and mode live in an xattr, in the
// form of containers-storage (idmap/override_stat.h). Symlinks and special files cannot carry
// user.* and use trusted.cvfs.override_stat. ACLs lie beside it, so that they open nothing on the
// host.
std::unique_ptr<Ownership> make_virtual_ownership(Store& store, const Identity& identity);

// owner=caller: everything on disk belongs to the tenant, and whoever asks is the owner.
std::unique_ptr<Ownership> make_caller_ownership(Store& store, const Identity& identity);

}  // namespace cvfs
