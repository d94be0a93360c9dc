#include "daemon/mount_target.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/unique_fd.h"
#include "sys/file.h"
#include "sys/mounts.h"

namespace cvfs {

namespace {

Outcome<UniqueFd> open_target(const std::string& target) {
  UniqueFd directory(::open(target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory) return directory;
  const int error = errno;
  if (error == ENOENT) return refuse(target, "no such mount point", "mkdir -p " + target);
  if (error == ENOTDIR) {
    return refuse(target, "the mount point is not a directory",
                  "another mount point: mkdir -p DIR");
  }
  // The target itself opens also where a dead view is mounted on it.
  if (error == ENOTCONN) return refuse(target, "lies in a dead view", "unmount that one first");
  return refuse(target, std::string("cannot open the mount point: ") + std::strerror(error));
}

bool is_same_directory(int a, int b) {
  const auto first = sys::status_of(a);
  const auto second = sys::status_of(b);
  return first && second && first->device == second->device && first->inode == second->inode;
}

bool has_dead_view(int target_fd) {
  return sys::is_mount_root(target_fd) && sys::is_dead_view(target_fd);
}

}  // namespace

Outcome<void> check_target(const std::string& target, const TenantSource& source) {
  const UniqueFd directory = TRY(open_target(target));
  // Over its own source is where a view is meant to be mounted; over anything else somebody would
  // lose sight of what is mounted there.
  if (sys::is_mount_root(directory.get()) &&
      !is_same_directory(directory.get(), source.directory.get()) &&
      !has_dead_view(directory.get())) {
    return refuse(target, "something is mounted here already",
                  "umount " + target + ", or choose another mount point");
  }
  return {};
}

Outcome<void> clear_target(const std::string& target, const TenantSource& source) {
  for (;;) {
    const UniqueFd directory = TRY(open_target(target));
    if (!has_dead_view(directory.get())) break;
    if (const auto detached = sys::detach_mount(directory.get()); !detached) {
      return refuse(target,
                    std::string("a dead view is still mounted here, and cannot be detached: ") +
                        std::strerror(detached.error().value),
                    "umount -l " + target);
    }
    spdlog::warn("{}: a dead view was still mounted here; it is detached", target);
  }
  return check_target(target, source);
}

}  // namespace cvfs
