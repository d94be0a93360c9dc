// Extended attributes, with the ids in ACLs and file capabilities translated. Any thread. Our own
// attributes are neither shown nor changed; namespaces other than user, trusted, and of security
// and system what is translated here, are EOPNOTSUPP.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

// The value, whatever its size. ENODATA, EOPNOTSUPP.
Result<std::vector<std::byte>> op_getxattr(Mount& mount, NodeId node, const char* name);
// `flags`: XATTR_CREATE, XATTR_REPLACE. EPERM: one of ours. EINVAL, EOVERFLOW: idmap/xattr_ids.h.
Result<void> op_setxattr(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                         const char* name, std::span<const std::byte> value, int flags);
Result<void> op_removexattr(Mount& mount, Intent& intent, NodeId node, const char* name);
// Names, each ended by NUL.
Result<std::vector<char>> op_listxattr(Mount& mount, NodeId node);

}  // namespace cvfs
