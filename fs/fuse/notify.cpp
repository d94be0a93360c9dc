#include "fuse/notify.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

namespace cvfs {

void forget_attributes(int device_fd, NodeId node) {
  struct {
    fuse_out_header header;
    fuse_notify_inval_inode_out inode;
  } notice{};
  notice.header.len = sizeof notice;
  notice.header.error = FUSE_NOTIFY_INVAL_INODE;
  notice.inode.ino = node;
  notice.inode.off = -1;  // no data
  // ENOENT: the kernel does not know it any more; ENODEV: the view is unmounted.
  (void)!::write(device_fd, &notice, sizeof notice);
}

}  // namespace cvfs
