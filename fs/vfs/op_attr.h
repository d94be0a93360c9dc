// Attributes: getattr and setattr, field by field. Any thread.
#pragma once

#include <optional>

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// What a setattr changes; the rest stays. Ids are what the caller's chown(2) meant on the host.
struct AttributeChange {
  std::optional<mode_t> mode;
  std::optional<HostUid> uid;
  std::optional<HostGid> gid;
  std::optional<off_t> size;
  std::optional<TimeChange> times;
  bool keep_setid = false;  // the caller has CAP_FSETID: a truncate leaves setid bits

  bool is_empty() const { return !mode && !uid && !gid && !size && !times; }
};

Result<Attributes> op_getattr(Mount& mount, NodeId node);

// EOVERFLOW: an owner without a stored id. The fields are changed in the kernel's order: owner,
// size, mode, times; the first that fails ends it.
// `handle`: the open file through which a size is changed, or 0.
Result<Attributes> op_setattr(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                              const AttributeChange& change, HandleId handle);

}  // namespace cvfs
