#include "cli/mountpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "control/printable.h"
#include "sys/file.h"
#include "sys/inode_flags.h"
#include "sys/mounts.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path) {
  std::error_code error;
  std::string text = fs::absolute(path, error).lexically_normal();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool is_empty(int directory_fd) {
  auto own = sys::reopen(directory_fd, O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(own ? ::fdopendir(own->release()) : nullptr,
                                                      ::closedir);
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

// O_PATH: a view that hangs is not asked.
Outcome<UniqueFd> open_unmounted(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::string object = printable(path);
  if (!directory) {
    const int error = errno;
    if (error == ENOTDIR || error == ELOOP) {
      return refuse(object, "is not a directory", "another mount point");
    }
    return refuse(object, std::string("cannot be opened: ") + std::strerror(error),
                  "ls -ld " + object);
  }
  if (sys::is_mount_root(directory.get())) {
    return refuse(object, "something is mounted here, and what is below it cannot be seen",
                  "umount " + object + ", and once more");
  }
  if (!is_empty(directory.get())) {
    return refuse(object, "is not empty, and a view would hide what is in it",
                  "mv " + object + "/* ELSEWHERE, or another mount point");
  }
  return directory;
}

Result<void> set_immutable(int directory_fd, bool immutable) {
  const UniqueFd directory = TRY(sys::reopen(directory_fd, O_RDONLY | O_DIRECTORY));
  const std::uint32_t flags = TRY(sys::inode_flags(directory.get()));
  const std::uint32_t flag = FS_IMMUTABLE_FL;
  const std::uint32_t wanted = immutable ? flags | flag : flags & ~flag;
  if (wanted == flags) return {};
  return sys::set_inode_flags(directory.get(), wanted);
}

}  // namespace

Outcome<Mountpoint> protect_mountpoint(const std::string& path) {
  Mountpoint mountpoint{absolute(path)};
  const std::string object = printable(mountpoint.path);
  std::error_code error;
  mountpoint.was_made = fs::create_directories(mountpoint.path, error);
  if (error == std::errc::not_a_directory) {
    return refuse(object, "is not a directory, or lies below what is none", "another mount point");
  }
  if (error) {
    return refuse(object, "cannot be made: " + error.message(), "another mount point");
  }
  const UniqueFd directory = TRY(open_unmounted(mountpoint.path));
  if (protection_of(directory.get()) == Protection::kImmutable) {
    mountpoint.is_immutable = true;
    return mountpoint;
  }
  const auto changed = sys::change_mode(directory.get(), 0);
  if (!changed) {
    return refuse(object, "cannot be given the mode 0000: " + reason(changed.error()),
                  "chattr -i " + object + ", if it is immutable");
  }
  mountpoint.is_immutable = set_immutable(directory.get(), true).has_value();
  return mountpoint;
}

Outcome<void> remove_mountpoint(const std::string& path) {
  const std::string whole = absolute(path);
  if (::access(whole.c_str(), F_OK) != 0 && errno == ENOENT) return {};
  const UniqueFd directory = TRY(open_unmounted(whole));
  static_cast<void>(set_immutable(directory.get(), false));
  if (::rmdir(whole.c_str()) == 0) return {};
  const int error = errno;
  return refuse(printable(whole), std::string("cannot be removed: ") + std::strerror(error),
                "rmdir " + printable(whole));
}

Protection protection_of(int directory_fd) {
  const auto directory = sys::reopen(directory_fd, O_RDONLY | O_DIRECTORY);
  if (!directory) return Protection::kNone;
  const auto flags = sys::inode_flags(directory->get());
  if (flags && (*flags & FS_IMMUTABLE_FL) != 0) return Protection::kImmutable;
  const auto status = sys::status_of(directory->get());
  const bool is_closed = status && (status->mode & (S_IRWXU | S_IRWXG | S_IRWXO)) == 0;
  return is_closed ? Protection::kModeOnly : Protection::kNone;
}

}  // namespace cvfs
