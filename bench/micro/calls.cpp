#include "calls.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace cvfs::bench {

void failed(const char* call, const char* object) {
  throw std::system_error(errno, std::generic_category(), std::string(call) + " " + object);
}

void wrong(const char* object, const char* claim) {
  throw std::runtime_error(std::string(object) + ": not so: " + claim);
}

UniqueFd open_in(const Place& place, const char* name, int flags, mode_t mode) {
  return UniqueFd(succeed(::openat(place.dir(), name, flags | O_CLOEXEC, mode), "open", name));
}

struct stat status_in(const Place& place, const char* name) {
  struct stat status {};
  succeed(::fstatat(place.dir(), name, &status, AT_SYMLINK_NOFOLLOW), "stat", name);
  return status;
}

bool exists_in(const Place& place, const char* name) {
  struct stat status {};
  if (::fstatat(place.dir(), name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) failed("stat", name);
  return false;
}

void make_files(Place& place) {
  for (unsigned i = 0; i < place.names(); ++i) {
    open_in(place, place.name(i), O_CREAT | O_EXCL | O_WRONLY);
  }
}

void make_directories(Place& place) {
  for (unsigned i = 0; i < place.names(); ++i) {
    succeed(::mkdirat(place.dir(), place.name(i), 0755), "mkdir", place.name(i));
  }
}

void check_entries(const Place& place, unsigned count) {
  UniqueFd fd = open_in(place, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) failed("fdopendir", ".");
  (void)fd.release();  // the DIR closes it
  unsigned seen = 0;
  while (const dirent* entry = ::readdir(directory.get())) seen += entry->d_name[0] != '.' ? 1 : 0;
  if (seen != count) wrong("the directory", "it has the entries that were made, and no others");
}

}  // namespace cvfs::bench
