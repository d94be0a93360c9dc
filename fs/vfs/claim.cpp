#include "vfs/claim.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"
#include "sys/credentials.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

constexpr const char* kMarker = "trusted.cvfs.unclaimed";

Result<bool> has_marker(Mount& mount, const File& file) {
  const auto marker = mount.store->get_xattr(file, kMarker, {});
  if (marker) return true;
  const int error = marker.error().value;
  if (error == ENODATA || error == EOPNOTSUPP) return false;
  return fail(error);
}

std::uint32_t seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

// Keeps in the inode's record whether the directory is unclaimed, and for how long requests may
// still come that the kernel let pass when it was.
void note(Mount& mount, NodeId node, bool unclaimed) {
  constexpr std::uint32_t kWindowSeconds = 3;
  const auto record = mount.inodes.find(node);
  if (!record) return;
  const bool before = (*record)->unclaimed.exchange(unclaimed, std::memory_order_acq_rel);
  if (before && !unclaimed) (*record)->recently_unclaimed_until = seconds_now() + kWindowSeconds;
}

// May the kernel have let a request pass because the directory was unclaimed when it looked?
bool may_have_been_unclaimed(Mount& mount, NodeId node) {
  const auto record = mount.inodes.find(node);
  if (!record) return false;
  if ((*record)->unclaimed.load(std::memory_order_acquire)) return true;
  const std::uint32_t until = (*record)->recently_unclaimed_until;
  return until != 0 && seconds_now() <= until;
}

// The kernel's check for who came too late: it was made on a directory that everybody could write.
// Without ACLs: a fresh directory has none.
bool may_write(const Mount& mount, const Caller& caller, const Attributes& attributes) {
  if (is_root(mount, caller)) return true;
  const mode_t mode = attributes.status.mode;
  if (caller.uid == attributes.uid) return (mode & S_IWUSR) != 0;
  if (is_in_group(caller, attributes.gid)) return (mode & S_IWGRP) != 0;
  return (mode & S_IWOTH) != 0;
}

// Claims take microseconds. Somebody who holds the lock longer is no view, but a process of the
// tenant's on the host, and must not keep a serving thread. EBUSY.
Result<void> lock_briefly(int directory_fd) {
  constexpr int kAttempts = 100;
  constexpr timespec kPause{0, 1'000'000};
  for (int i = 0; i < kAttempts; ++i) {
    if (::flock(directory_fd, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) return last_error();
    ::nanosleep(&kPause, nullptr);
  }
  return fail(EBUSY);
}

}  // namespace

bool is_claim_xattr(const char* xattr) {
  return std::strcmp(xattr, kMarker) == 0;
}

bool is_hosts_root(const Mount& mount, const Caller& caller) {
  if (caller.uid.value != 0 || caller.pid <= 0) return false;
  sys::act_as_root();  // what is asked of another process goes by ids as well
  char path[48];
  char text[64];
  std::snprintf(path, sizeof path, "/proc/%d/ns/pid", caller.pid);
  const ssize_t length = ::readlink(path, text, sizeof text);
  if (length <= 0 ||
      mount.settings.pid_namespace != std::string_view(text, static_cast<std::size_t>(length))) {
    return false;
  }
  // A container may share the host's pid namespace (docker run --pid=host), but not its root.
  struct stat own {};
  struct stat theirs {};
  std::snprintf(path, sizeof path, "/proc/%d/root/", caller.pid);
  return ::stat("/", &own) == 0 && ::stat(path, &theirs) == 0 && own.st_dev == theirs.st_dev &&
         own.st_ino == theirs.st_ino;
}

bool is_unclaimed(Mount& mount, NodeId directory, const File& file, const Attributes& attributes) {
  if (mount.owners->belongs_to_caller()) return false;
  // Only container root's directories can be: that saves most the look at the xattr.
  const bool marked = attributes.status.is_directory() &&
                      attributes.uid == mount.identity->shown(ContainerUid{0}) &&
                      has_marker(mount, file).value_or(false);
  note(mount, directory, marked);
  return marked;
}

void show_unclaimed(const Mount& mount, const Caller& caller, Attributes& attributes) {
  if (!attributes.unclaimed || is_hosts_root(mount, caller)) return;
  attributes.status.mode |= S_IRWXU | S_IRWXG | S_IRWXO;
}

Result<Claim> Claim::begin(Mount& mount, const Caller& caller, NodeId directory,
                           const PinnedFile& file) {
  Claim claim;
  TRY(mount.identity->container(caller.uid));
  TRY(mount.identity->container(caller.gid));
  if (!may_have_been_unclaimed(mount, directory)) return claim;
  // Between views only the disk can arbitrate: a lock on the directory itself, held over the
  // making.
  claim.lock_ = TRY(mount.store->open(*file, O_RDONLY | O_DIRECTORY, false));
  TRY(lock_briefly(claim.lock_.get()));
  if (!TRY(has_marker(mount, *file))) {
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
  // begin() has refused callers without container ids.
  const auto changed = mount_->owners->set_owner(*file_, {*uid, *gid});
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
  if (mount.owners->belongs_to_caller()) return;
  const std::byte yes[1] = {std::byte{'1'}};
  if (const auto marked = mount.store->set_xattr(file, kMarker, yes, 0, false); !marked) {
    spdlog::warn("cannot mark a directory as a fresh volume ({}): it belongs to container root",
                 std::strerror(marked.error().value));
    return;
  }
  note(mount, node, true);
}

void end_unclaimed(Mount& mount, NodeId node, const File& file) {
  note(mount, node, false);
  const auto removed = mount.store->remove_xattr(file, kMarker);
  if (!removed && removed.error().value != ENODATA) {  // ENODATA: another view was faster
    spdlog::warn("cannot take the mark off a claimed volume: {}",
                 std::strerror(removed.error().value));
  }
}

}  // namespace cvfs
