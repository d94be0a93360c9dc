// Reading a directory and asking for each entry's attributes, as `ls -l` does.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>

#include "calls.h"
#include "operation.h"

namespace cvfs::bench {
namespace {

// Counts as one an entry.
unsigned list_and_stat(Place& place, unsigned) {
  UniqueFd fd = open_in(place, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) failed("fdopendir", ".");
  (void)fd.release();  // the DIR closes it
  unsigned seen = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    if (status_in(place, entry->d_name).st_nlink != 1) wrong(entry->d_name, "it has one link");
    ++seen;
  }
  if (seen != place.names()) wrong("the directory", "every entry is listed once");
  return seen;
}

void unchanged(const Place& place, unsigned) {
  check_entries(place, place.names());
}

}  // namespace

std::vector<Operation> listing_operations() {
  return {
      {"readdir_warm", 10000, 3, true, make_files, list_and_stat, unchanged},
      {"readdir_cold", 10000, 1, false, make_files, list_and_stat, unchanged},
  };
}

}  // namespace cvfs::bench
