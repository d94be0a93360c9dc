// Identity: one view's translation between host ids (what requests carry and attributes show),
// container ids and stored ids (what is on disk). Immutable after it is made; any thread.
#pragma once

#include <optional>

#include "base/ids.h"
#include "base/result.h"
#include "idmap/subordinate_ids.h"
#include "idmap/user_namespace.h"

namespace cvfs {

// container id <-> stored id under owner=map: container root is the tenant (or storeuid=), the
// others lie in the tenant's subordinate range in order, as rootless podman lays them out.
struct StoreMap {
  IdMap uids = IdMap::identity();
  IdMap gids = IdMap::identity();

  // 0 -> root_uid, 1.. -> the ranges one after the other. Refused: ranges that overlap each other
  // or contain root_uid or root_gid.
  static Outcome<StoreMap> make(StoredUid root_uid, StoredGid root_gid,
                                const SubordinateIds& subordinate, const std::string& object);

  // Everything but root has no stored id of its own (owner=virtual stores all as the tenant).
  static StoreMap only_root(StoredUid root_uid, StoredGid root_gid);
};

class Identity {
 public:
  Identity(UserNamespaceMap userns, StoreMap store);

  // The container id behind a host id. Host root (0) outside the map is container root. EOVERFLOW
  // for any other host id outside the map.
  Result<ContainerUid> container(HostUid id) const;
  Result<ContainerGid> container(HostGid id) const;

  // EOVERFLOW where the container id has no stored id.
  Result<StoredUid> stored(ContainerUid id) const;
  Result<StoredGid> stored(ContainerGid id) const;
  Result<StoredUid> stored(HostUid id) const;
  Result<StoredGid> stored(HostGid id) const;

  // What a container id or a stored id is shown as; kUnmappedId where it has no host id.
  HostUid shown(ContainerUid id) const;
  HostGid shown(ContainerGid id) const;
  HostUid shown(StoredUid id) const;
  HostGid shown(StoredGid id) const;

  // The container id behind a stored id, if there is one.
  std::optional<ContainerUid> container(StoredUid id) const;
  std::optional<ContainerGid> container(StoredGid id) const;

  // Is this the host's root, and is it outside the map (that is, nobody in the containers)?
  bool is_host_root_outside(HostUid id) const;

  const UserNamespaceMap& userns() const { return userns_; }
  const StoreMap& store() const { return store_; }

 private:
  UserNamespaceMap userns_;
  StoreMap store_;
};

}  // namespace cvfs
