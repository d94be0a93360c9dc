// What is said of files beside their contents.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <cerrno>

#include "tree.h"

void Tree::change_xattrs() {
  operation = "xattr";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  auto& xattrs = file->second->xattrs;
  const std::string where = path(file->first);
  const char* const file_path = where.c_str();
  const std::string name = "user.test" + std::to_string(pick(3));
  const std::string value = bytes(1 + pick(60));
  const bool is_there = xattrs.contains(name);
  const int flag = is_there ? XATTR_REPLACE : XATTR_CREATE;
  must_fail(::setxattr(file_path, name.c_str(), value.data(), value.size(),
                       flag ^ (XATTR_REPLACE | XATTR_CREATE)),
            is_there ? EEXIST : ENODATA, where, "setxattr");
  if (!is_there) must_fail(::removexattr(file_path, name.c_str()), ENODATA, where, "removexattr");
  must(::setxattr(file_path, name.c_str(), value.data(), value.size(), flag), where, "setxattr");
  xattrs[name] = value;
  if (pick(3) == 0) {
    must(::removexattr(file_path, name.c_str()), where, "removexattr");
    xattrs.erase(name);
  }
  verify_xattrs(where, *file->second, true);
}

void Tree::change_mode() {
  operation = "chmod";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  file->second->mode = static_cast<mode_t>(0600 | pick(0200));
  must(::chmod(path(file->first).c_str(), file->second->mode), path(file->first), "chmod");
  check_status(file->first, *file->second);
}

void Tree::change_owner() {
  operation = "chown";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  must(::chown(path(file->first).c_str(), static_cast<uid_t>(-1), ::getegid()), path(file->first),
       "chown");
  check_status(file->first, *file->second);
}

void Tree::change_times() {
  operation = "utimens";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string where = path(file->first);
  const timespec times[2] = {{1000000 + pick(1000), 5}, {2000000 + pick(1000), 7}};
  must(::utimensat(AT_FDCWD, where.c_str(), times, 0), where, "utimensat");
  const struct stat status = status_of(where);
  expect(status.st_mtim.tv_sec == times[1].tv_sec && status.st_mtim.tv_nsec == 7, where,
         "has another mtime");
}

void Tree::filesystem() {
  operation = "statfs";
  struct statvfs status {};
  must(::statvfs(directory_.c_str(), &status), directory_, "statvfs");
  expect(status.f_blocks != 0, directory_, "has no blocks");
}
