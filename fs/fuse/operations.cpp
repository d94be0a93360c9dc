#include "fuse/operations.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <new>

#include "base/log.h"
#include "fuse/request.h"

namespace cvfs {

namespace {

// The one funnel from exceptions to errnos: nothing in the request path throws but allocations.
template <auto dispatch>
struct Guarded;

template <class... Arguments, void (*dispatch)(fuse_req_t, Arguments...)>
struct Guarded<dispatch> {
  static void call(fuse_req_t request, Arguments... arguments) {
    note_dispatch();
    try {
      dispatch(request, arguments...);
    } catch (const std::bad_alloc&) {
      reply(request, Errno{ENOMEM});
    } catch (const std::exception& error) {
      spdlog::error("a request failed with an exception: {}", error.what());
      reply(request, Errno{EIO});
    }
  }
};

}  // namespace

void dispatch_init(void*, fuse_conn_info* connection) {
  for (const std::uint64_t feature :
       {FUSE_CAP_HANDLE_KILLPRIV_V2, FUSE_CAP_SETXATTR_EXT, FUSE_CAP_POSIX_ACL, FUSE_CAP_DONT_MASK,
        FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_PASSTHROUGH, FUSE_CAP_READDIRPLUS,
        FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_IOCTL_DIR}) {
    (void)fuse_set_feature_flag(connection, feature);  // false: the kernel does not have it
  }
  // A copy to and from a pipe for each request costs more than it saves.
  fuse_unset_feature_flag(connection, FUSE_CAP_SPLICE_READ);
}

namespace {

void check_access_first(fuse_lowlevel_ops& table) {
  table.access = Guarded<checked_access>::call;
  table.lookup = Guarded<checked_lookup>::call;
  table.setattr = Guarded<checked_setattr>::call;
  table.create = Guarded<checked_create>::call;
  table.tmpfile = Guarded<checked_tmpfile>::call;
  table.mkdir = Guarded<checked_mkdir>::call;
  table.mknod = Guarded<checked_mknod>::call;
  table.symlink = Guarded<checked_symlink>::call;
  table.link = Guarded<checked_link>::call;
  table.unlink = Guarded<checked_unlink>::call;
  table.rmdir = Guarded<checked_rmdir>::call;
  table.rename = Guarded<checked_rename>::call;
  table.open = Guarded<checked_open>::call;
  table.opendir = Guarded<checked_opendir>::call;
  table.getxattr = Guarded<checked_getxattr>::call;
  table.setxattr = Guarded<checked_setxattr>::call;
  table.removexattr = Guarded<checked_removexattr>::call;
}

}  // namespace

fuse_lowlevel_ops operation_table(bool checks_access) {
  fuse_lowlevel_ops table{};
  table.init = dispatch_init;
  table.lookup = Guarded<dispatch_lookup>::call;
  table.readlink = Guarded<dispatch_readlink>::call;
  table.statfs = Guarded<dispatch_statfs>::call;
  table.getattr = Guarded<dispatch_getattr>::call;
  table.setattr = Guarded<dispatch_setattr>::call;
  table.statx = Guarded<dispatch_statx>::call;
  table.create = Guarded<dispatch_create>::call;
  table.tmpfile = Guarded<dispatch_tmpfile>::call;
  table.mkdir = Guarded<dispatch_mkdir>::call;
  table.mknod = Guarded<dispatch_mknod>::call;
  table.symlink = Guarded<dispatch_symlink>::call;
  table.link = Guarded<dispatch_link>::call;
  table.unlink = Guarded<dispatch_unlink>::call;
  table.rmdir = Guarded<dispatch_rmdir>::call;
  table.rename = Guarded<dispatch_rename>::call;
  table.open = Guarded<dispatch_open>::call;
  table.flush = Guarded<dispatch_flush>::call;
  table.release = Guarded<dispatch_release>::call;
  table.opendir = Guarded<dispatch_opendir>::call;
  table.releasedir = Guarded<dispatch_release>::call;
  table.read = Guarded<dispatch_read>::call;
  table.write = Guarded<dispatch_write>::call;
  table.fsync = Guarded<dispatch_fsync>::call;
  table.fsyncdir = Guarded<dispatch_fsync>::call;
  table.fallocate = Guarded<dispatch_fallocate>::call;
  table.lseek = Guarded<dispatch_lseek>::call;
  table.copy_file_range = Guarded<dispatch_copy_file_range>::call;
  table.ioctl = Guarded<dispatch_ioctl>::call;
  table.readdir = Guarded<dispatch_readdir>::call;
  table.readdirplus = Guarded<dispatch_readdirplus>::call;
  table.getxattr = Guarded<dispatch_getxattr>::call;
  table.setxattr = Guarded<dispatch_setxattr>::call;
  table.removexattr = Guarded<dispatch_removexattr>::call;
  table.listxattr = Guarded<dispatch_listxattr>::call;
  if (checks_access) check_access_first(table);
  return table;
}

}  // namespace cvfs
