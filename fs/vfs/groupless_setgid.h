// GrouplessSetgid: the setgid bit of a file that its group may not execute. Unlike other setid bits
// it survives a write, a truncate or a chown by root or a member of the file's group
// (setattr_should_drop_sgid() of the kernel), of whom the backing filesystem knows nothing: what it
// did to the bit is put right afterwards. A value, around one operation; any thread.
#pragma once

#include "vfs/caller.h"
#include "vfs/mount.h"

namespace cvfs {

class GrouplessSetgid {
 public:
  // To be called before the operation.
  static Result<GrouplessSetgid> of(Mount& mount, const Caller& caller, NodeId node,
                                    const File& file);
  // After it: the bit is there if it was there and the caller keeps it.
  Result<void> settle(Mount& mount, NodeId node, const File& file) const;

 private:
  bool is_set_ = false;
  bool is_kept_ = false;
};

}  // namespace cvfs
