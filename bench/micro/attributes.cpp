// What asks for and changes attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "calls.h"
#include "operation.h"

namespace cvfs::bench {
namespace {

constexpr char kXattr[] = "user.bench";
constexpr char kValue[] = "a value of twenty-four b";

void unchanged(const Place& place, unsigned) {
  check_entries(place, place.names());
}
void nothing_made(const Place& place, unsigned) {
  check_entries(place, 0);
}
void nothing(Place&) {}

unsigned stat_name(Place& place, unsigned i) {
  if (!S_ISREG(status_in(place, place.name(i)).st_mode)) wrong(place.name(i), "it is a file");
  return 1;
}

unsigned stat_missing(Place& place, unsigned i) {
  if (exists_in(place, place.name(i))) wrong(place.name(i), "it is not there");
  return 1;
}

// Another mode each time that a name's turn comes.
mode_t mode_at(const Place& place, unsigned step) {
  return (step / place.names()) % 2 == 0 ? 0600 : 0640;
}

unsigned change_mode(Place& place, unsigned i) {
  succeed(::fchmodat(place.dir(), place.name(i), mode_at(place, i), 0), "chmod", place.name(i));
  return 1;
}

void check_modes(const Place& place, unsigned done) {
  const unsigned first = done > place.names() ? done - place.names() : 0;
  for (unsigned i = first; i < done; ++i) {
    const mode_t mode = status_in(place, place.name(i)).st_mode & ALLPERMS;
    if (mode != mode_at(place, i)) wrong(place.name(i), "it has the mode that was set last");
  }
}

void make_file_with_xattr(Place& place) {
  place.file = open_in(place, "file", O_CREAT | O_EXCL | O_RDWR);
  place.buffer.resize(256);
  succeed(::fsetxattr(place.file.get(), kXattr, kValue, sizeof kValue, 0), "setxattr", "file");
}

unsigned get_xattr(Place& place, unsigned) {
  const ssize_t size =
      ::fgetxattr(place.file.get(), kXattr, place.buffer.data(), place.buffer.size());
  if (size < 0) failed("getxattr", "file");
  if (size != sizeof kValue) wrong("file", "its xattr has the size that was set");
  return 1;
}

void check_xattr(const Place& place, unsigned) {
  if (std::memcmp(place.buffer.data(), kValue, sizeof kValue) != 0) {
    wrong("file", "its xattr is what was set");
  }
}

}  // namespace

std::vector<Operation> attribute_operations() {
  return {
      {"stat_warm", 100, 40000, true, make_files, stat_name, unchanged},
      {"stat_cold", 3000, 3000, false, make_files, stat_name, unchanged},
      {"stat_missing", 100, 40000, true, nothing, stat_missing, nothing_made},
      {"chmod", 100, 8000, false, make_files, change_mode, check_modes},
      {"xattr_get", 1, 20000, true, make_file_with_xattr, get_xattr, check_xattr},
  };
}

}  // namespace cvfs::bench
