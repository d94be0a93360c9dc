#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_open.h"

namespace cvfs {

namespace {

// A listing brings its entries' attributes along (READDIRPLUS). Where these are soon too old, one
// more listing costs less than looking up every entry of a kept one.
bool listing_is_worth_keeping(const Mount& mount) {
  constexpr double kLongSeconds = 10;
  return believes_long(mount) || ttl_seconds(mount) >= kLongSeconds;
}

}  // namespace

void dispatch_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  const bool keep_setid = !request_kills_setid();
  reply_open(request,
             op_open(mount_of(request), intent_of(request), caller_of(request), node, info->flags,
                     keep_setid),
             info);
}

void dispatch_flush(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  // Everything written is on the backing filesystem already.
  Mount& mount = mount_of(request);
  if (mount.locks) mount.locks->close(node, info->fh, info->lock_owner);
  reply(request, Result<void>());
}

void dispatch_release(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  // Before the handle goes: it keeps the file open.
  Mount& mount = mount_of(request);
  if (mount.locks) mount.locks->release(node, info->fh);
  op_release(mount_of(request), info->fh);
  reply(request, Result<void>());
}

void dispatch_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  auto opened = op_opendir(mount_of(request), intent_of(request), node, info->flags);
  // Before the kernel believes a listing that it has kept it compares the directory's time of
  // change, as often as it asks for attributes, and whether it has changed the directory itself
  // since it began the listing. But what one reader was told before such a change it adds to the
  // listing that another one began after it (fuse_add_dirent_to_cache(),
  // tests/cache/test_listings.sh): so one at a time.
  const bool is_worth_it = opened && listing_is_worth_keeping(mount_of(request));
  info->cache_readdir = is_worth_it && opened->may_keep_listing ? 1 : 0;
  info->keep_cache = is_worth_it && opened->may_show_kept ? 1 : 0;
  reply_open(request, std::move(opened), info);
}

}  // namespace cvfs
