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

// The value, whatever its size. ENODATA, EOPNOTSUPP. An ACL where there are none is ENODATA: the
// kernel's permission check asks for it, and takes anything else for its own result.
Result<std::vector<std::byte>> op_getxattr(Mount& mount, NodeId node, const char* name);
// `flags`: XATTR_CREATE, XATTR_REPLACE; `keep_setgid`: the caller may keep it when an ACL is set.
// EPERM: one of ours. EINVAL, EOVERFLOW: idmap/xattr_ids.h.
Result<void> op_setxattr(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                         const char* name, std::span<const std::byte> value, int flags,
                         bool keep_setgid);
Result<void> op_removexattr(Mount& mount, Intent& intent, NodeId node, const char* name);
// Names, each ended by NUL; those of trusted.* for the host's root alone.
Result<std::vector<char>> op_listxattr(Mount& mount, const Caller& caller, NodeId node);

}  // namespace cvfs
