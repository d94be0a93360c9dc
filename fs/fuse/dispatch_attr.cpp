#include <sys/stat.h>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_attr.h"

namespace cvfs {

namespace {

// A time that SETATTR wants: the current one, the given one, or none.
timespec wanted_time(int to_set, int set, int now, const timespec& given) {
  if ((to_set & now) != 0) return {0, UTIME_NOW};
  if ((to_set & set) != 0) return given;
  return {0, UTIME_OMIT};
}

AttributeChange to_change(const struct stat& attr, int to_set) {
  AttributeChange change;
  change.keep_setid = !request_kills_setid();
  if ((to_set & FUSE_SET_ATTR_MODE) != 0) change.mode = attr.st_mode & sys::kPermissionBits;
  if ((to_set & FUSE_SET_ATTR_UID) != 0) change.uid = HostUid{attr.st_uid};
  if ((to_set & FUSE_SET_ATTR_GID) != 0) change.gid = HostGid{attr.st_gid};
  if ((to_set & FUSE_SET_ATTR_SIZE) != 0) change.size = attr.st_size;
  if ((to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) != 0) {
    change.times =
        TimeChange{wanted_time(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr.st_atim),
                   wanted_time(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr.st_mtim)};
  }
  return change;
}

statx_timestamp to_statx_time(const timespec& time) {
  statx_timestamp stamp{};
  stamp.tv_sec = time.tv_sec;
  stamp.tv_nsec = static_cast<std::uint32_t>(time.tv_nsec);
  return stamp;
}

struct statx to_statx(const Attributes& attributes) {
  const FileStatus& status = attributes.status;
  struct statx out {};
  out.stx_mask = STATX_BASIC_STATS | (status.has_born ? STATX_BTIME : 0U);
  out.stx_blksize = status.block_size;
  out.stx_nlink = status.link_count;
  out.stx_uid = attributes.uid.value;
  out.stx_gid = attributes.gid.value;
  out.stx_mode = static_cast<std::uint16_t>(status.mode);
  out.stx_ino = status.inode;
  out.stx_size = status.size;
  out.stx_blocks = status.blocks;
  out.stx_atime = to_statx_time(status.accessed);
  out.stx_mtime = to_statx_time(status.modified);
  out.stx_ctime = to_statx_time(status.changed);
  out.stx_btime = to_statx_time(status.born);
  out.stx_rdev_major = status.device_major;
  out.stx_rdev_minor = status.device_minor;
  return out;
}

}  // namespace

void dispatch_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  reply_attributes(request, op_getattr(mount_of(request), node));
}

void dispatch_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set,
                      fuse_file_info* info) {
  reply_attributes(request,
                   op_setattr(mount_of(request), intent_of(request), caller_of(request), node,
                              to_change(*attr, to_set), info != nullptr ? info->fh : 0));
}

void dispatch_statx(fuse_req_t request, fuse_ino_t node, int, int, fuse_file_info*) {
  Mount& mount = mount_of(request);
  const auto attributes = op_getattr(mount, node);
  if (!attributes) return reply(request, attributes.error());
  struct statx out = to_statx(shown_to_caller(request, *attributes));
  fuse_reply_statx(request, 0, &out, attribute_timeout(mount, *attributes));
}

}  // namespace cvfs
