#include "vfs/claim.h"

#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

constexpr const char* kMarker = "trusted.cvfs.unclaimed";

bool has_marker(Mount& mount, const File& file) {
  return mount.store->get_xattr(file, kMarker, {}).has_value();
}

void note(Mount& mount, NodeId node, bool unclaimed) {
  if (auto record = mount.inodes.find(node)) {
    (*record)->unclaimed.store(unclaimed, std::memory_order_relaxed);
  }
}

bool noted(Mount& mount, NodeId node) {
  const auto record = mount.inodes.find(node);
  return record && (*record)->unclaimed.load(std::memory_order_relaxed);
}

// The kernel's check for who came too late: it was made on a directory that everybody could write.
// Without ACLs: a fresh directory has none.
bool may_write(const Mount& mount, const Caller& caller, const Attributes& attributes) {
  if (caller.uid.value == 0 || caller.uid == mount.identity->shown(ContainerUid{0})) return true;
  const mode_t mode = attributes.status.mode;
  if (caller.uid == attributes.uid) return (mode & S_IWUSR) != 0;
  if (caller.gid == attributes.gid) return (mode & S_IWGRP) != 0;
  return (mode & S_IWOTH) != 0;
}

}  // namespace

bool is_claim_xattr(const char* xattr) {
  return std::strcmp(xattr, kMarker) == 0;
}

bool is_hosts_root(const Mount& mount, const Caller& caller) {
  if (caller.uid.value != 0 || caller.pid <= 0) return false;
  char path[48];
  char text[64];
  std::snprintf(path, sizeof path, "/proc/%d/ns/pid", caller.pid);
  const ssize_t length = ::readlink(path, text, sizeof text);
  return length > 0 &&
         mount.settings.pid_namespace == std::string_view(text, static_cast<std::size_t>(length));
}

bool is_unclaimed(Mount& mount, NodeId directory, const File& file, const Attributes& attributes) {
  // Only container root's directories can be: that saves most the look at the xattr.
  const bool marked = attributes.status.is_directory() &&
                      attributes.uid == mount.identity->shown(ContainerUid{0}) &&
                      has_marker(mount, file);
  note(mount, directory, marked);
  return marked;
}

Result<Claim> Claim::begin(Mount& mount, const Caller& caller, NodeId directory,
                           const PinnedFile& file) {
  Claim claim;
  if (!noted(mount, directory)) return claim;
  // Between views only the disk can arbitrate: a lock on the directory itself, held over the
  // making.
  claim.lock_ = TRY(mount.store->open(*file, O_RDONLY | O_DIRECTORY, false));
  if (::flock(claim.lock_.get(), LOCK_EX) < 0) return last_error();
  if (!has_marker(mount, *file)) {
    note(mount, directory, false);
    claim.lock_.reset();
    if (!may_write(mount, caller, TRY(describe(mount, directory, *file)))) return fail(EACCES);
    return claim;
  }
  claim.mount_ = &mount;
  claim.caller_ = caller;
  claim.node_ = directory;
  claim.file_ = &*file;
  return claim;
}

Claim::Claim(Claim&& other) noexcept
    : mount_(std::exchange(other.mount_, nullptr)),
      caller_(other.caller_),
      node_(other.node_),
      file_(other.file_),
      lock_(std::move(other.lock_)) {}

void Claim::settle() {
  if (mount_ == nullptr) return;
  const auto uid = mount_->identity->container(caller_.uid);
  const auto gid = mount_->identity->container(caller_.gid);
  Result<void> changed;
  if (uid && gid) changed = mount_->owners->set_owner(*file_, {*uid, *gid});
  if (!changed) {
    // The entry is there and the directory still unclaimed: the next one will own it.
    spdlog::warn("cannot give a fresh volume to its first user: {}",
                 std::strerror(changed.error().value));
  } else {
    end_unclaimed(*mount_, node_, *file_);
  }
  mount_ = nullptr;
  lock_.reset();
}

void mark_unclaimed(Mount& mount, NodeId node, const File& file) {
  const std::byte yes[1] = {std::byte{'1'}};
  if (const auto marked = mount.store->set_xattr(file, kMarker, yes, 0); !marked) {
    spdlog::warn("cannot mark a directory as a fresh volume ({}): it belongs to container root",
                 std::strerror(marked.error().value));
    return;
  }
  note(mount, node, true);
}

void end_unclaimed(Mount& mount, NodeId node, const File& file) {
  note(mount, node, false);
  // ENODATA: another view was faster.
  (void)mount.store->remove_xattr(file, kMarker);
}

}  // namespace cvfs
