#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_access.h"

namespace cvfs {

namespace {

constexpr int kChangeEntries = W_OK | X_OK;

// Refuses the request if the check has failed. Not if an earlier process had come to plan it: that
// had passed, and it may have changed what the check looks at.
bool passes(fuse_req_t request, const Result<void>& checked) {
  if (intent_of(request).planned()) return true;
  if (!checked) reply(request, checked.error());
  return checked.has_value();
}

bool may(fuse_req_t request, fuse_ino_t node, int mask) {
  return passes(request, check_access(mount_of(request), caller_of(request), node, mask));
}

bool may_remove(fuse_req_t request, fuse_ino_t directory) {
  return passes(request, check_removal(mount_of(request), caller_of(request), directory));
}

int access_of_open(int flags) {
  constexpr int kForExecve = 0x20;  // the kernel's __FMODE_EXEC
  // 3 gives neither, for ioctls, and takes both.
  constexpr int kMasks[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};
  int mask = kMasks[flags & O_ACCMODE];
  if ((flags & kForExecve) != 0) mask = X_OK;
  return (flags & O_TRUNC) != 0 ? mask | W_OK : mask;
}

// user.* is data, and so is a namespace that nobody knows; the kernel has checked the others by
// capabilities.
bool is_users(const char* xattr) {
  const std::string_view name(xattr);
  return !name.starts_with("trusted.") && !name.starts_with("security.") &&
         !name.starts_with("system.");
}

Result<void> check_setattr(fuse_req_t request, fuse_ino_t node, const struct stat& attr, int to_set,
                           bool has_handle) {
  Mount& mount = mount_of(request);
  const Caller caller = caller_of(request);
  constexpr int kOwner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
  constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
  constexpr int kNow = FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
  const bool truncates = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  if ((to_set & kOwner) != 0) {
    std::optional<HostUid> uid;
    std::optional<HostGid> gid;
    if ((to_set & FUSE_SET_ATTR_UID) != 0) uid = HostUid{attr.st_uid};
    if ((to_set & FUSE_SET_ATTR_GID) != 0) gid = HostGid{attr.st_gid};
    TRY(check_chown(mount, caller, node, uid, gid));
  }
  if ((to_set & FUSE_SET_ATTR_MODE) != 0) TRY(check_owner(mount, caller, node));
  if (truncates && !has_handle) TRY(check_access(mount, caller, node, W_OK));
  // A truncate brings its own times along.
  if (truncates || (to_set & kTimes) == 0 || check_owner(mount, caller, node)) return {};
  if ((to_set & kNow) == 0) return fail(EPERM);
  return check_access(mount, caller, node, W_OK);
}

}  // namespace

void checked_access(fuse_req_t request, fuse_ino_t node, int mask) {
  if (may(request, node, mask & (R_OK | W_OK | X_OK))) reply(request, Result<void>());
}

void checked_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (may(request, parent, X_OK)) dispatch_lookup(request, parent, name);
}

void checked_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set,
                     fuse_file_info* info) {
  if (!passes(request, check_setattr(request, node, *attr, to_set, info != nullptr))) return;
  dispatch_setattr(request, node, attr, to_set, info);
}

void checked_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    fuse_file_info* info) {
  if (may(request, parent, kChangeEntries)) dispatch_create(request, parent, name, mode, info);
}

void checked_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, fuse_file_info* info) {
  if (may(request, parent, kChangeEntries)) dispatch_tmpfile(request, parent, mode, info);
}

void checked_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  if (may(request, parent, kChangeEntries)) dispatch_mkdir(request, parent, name, mode);
}

void checked_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                   dev_t device) {
  if (may(request, parent, kChangeEntries)) dispatch_mknod(request, parent, name, mode, device);
}

void checked_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  if (may(request, parent, kChangeEntries)) dispatch_symlink(request, target, parent, name);
}

void checked_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent,
                  const char* new_name) {
  if (may(request, new_parent, kChangeEntries)) dispatch_link(request, node, new_parent, new_name);
}

void checked_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (may_remove(request, parent)) dispatch_unlink(request, parent, name);
}

void checked_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (may_remove(request, parent)) dispatch_rmdir(request, parent, name);
}

void checked_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                    const char* new_name, unsigned flags) {
  const Result<void> checked = check_rename(mount_of(request), caller_of(request), parent, name,
                                            new_parent, new_name, flags);
  if (passes(request, checked)) dispatch_rename(request, parent, name, new_parent, new_name, flags);
}

void checked_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  if (may(request, node, access_of_open(info->flags))) dispatch_open(request, node, info);
}

void checked_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  if (may(request, node, R_OK)) dispatch_opendir(request, node, info);
}

void checked_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size) {
  if (!is_users(name) || may(request, node, R_OK)) dispatch_getxattr(request, node, name, size);
}

void checked_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value,
                      std::size_t size, int flags) {
  if (is_users(name) && !may(request, node, W_OK)) return;
  dispatch_setxattr(request, node, name, value, size, flags);
}

void checked_removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  if (!is_users(name) || may(request, node, W_OK)) dispatch_removexattr(request, node, name);
}

}  // namespace cvfs
