// KeptFile: the reference to a file whose last name is about to go. Whoever still has it (a working
// directory, an open FIFO, an O_PATH descriptor: no handle of ours) goes on asking for it, and by
// its id it could not be opened any more. So it is kept until the kernel forgets the inode, over
// our own death, too. On the stack of one thread.
#pragma once

#include "vfs/mount.h"

namespace cvfs {

class KeptFile {
 public:
  // `id`: of what is about to lose a name in `parent`. Keeps nothing if the kernel does not know
  // it, if it has other names, or if too many are kept.
  KeptFile(Mount& mount, Intent& intent, NodeId parent, FileId id);
  // It has its name still.
  ~KeptFile();
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;

  // The name is gone.
  void commit() { record_ = nullptr; }

 private:
  Mount& mount_;
  LookupRef lookup_;  // nobody gives the number to another file meanwhile
  InodeRecord* record_ = nullptr;
};

// Keeps it no longer if it has its name still: a process that died had not come to remove that.
void let_go_if_named(Mount& mount, NodeId node);

}  // namespace cvfs
