#include "sys/xattr.h"

#include <sys/syscall.h>
#include <sys/xattr.h>  // NOLINT(readability-duplicate-include): the system's
#include <unistd.h>

#include <cstdint>

#include "sys/file.h"
#include "sys/new_calls.h"

namespace cvfs::sys {

// The magic link leads to the inode itself and is the last component: a symlink behind it is not
// followed further (fs/namei.c, nd_jump_link(); test: XattrsOfASymlinkAreItsOwn).

namespace {

// struct xattr_args of Linux 6.13.
struct alignas(8) XattrArguments {
  std::uint64_t value;
  std::uint32_t size;
  std::uint32_t flags;
};

// Of a directory, in a quarter of the time. ENOTDIR: it is none. ENOSYS: the kernel is older.
// (AT_EMPTY_PATH would do for all kinds of files, but not with O_PATH: EBADF.)
long get_of_directory(int path_fd, const char* name, std::span<std::byte> value) {
  const std::byte* const data = value.empty() ? nullptr : value.data();
  const XattrArguments arguments{reinterpret_cast<std::uint64_t>(data),
                                 static_cast<std::uint32_t>(value.size()), 0};
  return ::syscall(kGetxattrat, path_fd, ".", 0, name, &arguments, sizeof arguments);
}

}  // namespace

Result<std::size_t> get_xattr(int path_fd, const char* name, std::span<std::byte> value) {
  long size = get_of_directory(path_fd, name, value);
  if (size < 0 && (errno == ENOTDIR || errno == ENOSYS)) {
    size = ::getxattr(ProcPath(path_fd).c_str(), name, value.empty() ? nullptr : value.data(),
                      value.size());
  }
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
