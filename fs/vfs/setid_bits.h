// SetidBits: what becomes of a regular file's setid bits when it is written, truncated or given
// away, where the backing filesystem alone would get it wrong. A setgid bit without group execution
// is kept by root and members of the file's group (setattr_should_drop_sgid() of the kernel), whom
// it does not know; and bits that it does not see (owner=virtual) are kept by callers with
// CAP_FSETID. What it did is put right afterwards. A value, around one operation; any thread.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

class SetidBits {
 public:
  // To be called before the operation. `keep_setid`: the caller has CAP_FSETID.
  static Result<SetidBits> of(Mount& mount, const Caller& caller, NodeId node, const File& file,
                              bool keep_setid);
  // After it.
  Result<void> settle(Mount& mount, NodeId node, const File& file) const;

 private:
  mode_t kept_ = 0;
  mode_t lost_ = 0;
};

}  // namespace cvfs
