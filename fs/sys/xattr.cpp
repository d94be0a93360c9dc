#include "sys/xattr.h"

#include <sys/xattr.h>  // NOLINT(readability-duplicate-include): the system's

#include "sys/file.h"

namespace cvfs::sys {

// The magic link leads to the inode itself and is the last component: a symlink behind it is not
// followed further (fs/namei.c, nd_jump_link(); test: XattrsOfASymlinkAreItsOwn).

Result<std::size_t> get_xattr(int path_fd, const char* name, std::span<std::byte> value) {
  const ssize_t size = ::getxattr(ProcPath(path_fd).c_str(), name,
                                  value.empty() ? nullptr : value.data(), value.size());
  if (size < 0) return last_error();
  return static_cast<std::size_t>(size);
}

Result<void> set_xattr(int path_fd, const char* name, std::span<const std::byte> value, int flags) {
  return succeeded(::setxattr(ProcPath(path_fd).c_str(), name, value.data(), value.size(), flags));
}

Result<void> remove_xattr(int path_fd, const char* name) {
  return succeeded(::removexattr(ProcPath(path_fd).c_str(), name));
}

Result<std::vector<char>> list_xattrs(int path_fd) {
  const ProcPath path(path_fd);
  std::vector<char> names;
  for (;;) {
    const ssize_t size = ::listxattr(path.c_str(), nullptr, 0);
    if (size < 0) return last_error();
    names.resize(static_cast<std::size_t>(size));
    if (size == 0) return names;
    const ssize_t got = ::listxattr(path.c_str(), names.data(), names.size());
    if (got >= 0) {
      names.resize(static_cast<std::size_t>(got));
      return names;
    }
    // Somebody added one between the two calls: ask again.
    if (errno != ERANGE) return last_error();
  }
}

}  // namespace cvfs::sys
