// What makes, moves and removes names.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "operation.h"

namespace cvfs::bench {
namespace {

void nothing(Place&) {}

// Names [0, done) are there as `type`, with `links` of them; nothing else is.
void check_made(const Place& place, unsigned done, mode_t type) {
  for (unsigned i = 0; i < done; ++i) {
    if ((status_in(place, place.name(i)).st_mode & S_IFMT) != type)
      wrong(place.name(i), "it has its type");
  }
  check_entries(place, done);
}

void check_files(const Place& place, unsigned done) {
  check_made(place, done, S_IFREG);
}
void check_directories(const Place& place, unsigned done) {
  check_made(place, done, S_IFDIR);
}
void check_symlinks(const Place& place, unsigned done) {
  check_made(place, done, S_IFLNK);
}

void check_removed(const Place& place, unsigned done) {
  for (unsigned i = 0; i < done; ++i) {
    if (exists_in(place, place.name(i))) wrong(place.name(i), "it is gone");
  }
  check_entries(place, place.names() - done);
}

void check_renamed(const Place& place, unsigned done) {
  for (unsigned i = 0; i < done; ++i) {
    if (exists_in(place, place.name(i))) wrong(place.name(i), "it is gone");
    if (!exists_in(place, place.new_name(i))) wrong(place.new_name(i), "it is there");
  }
  check_entries(place, place.names());
}

// One file, and a name more for each step.
void make_one_file(Place& place) {
  place.file = open_in(place, "target", O_CREAT | O_EXCL | O_WRONLY);
}

// Not the count of links: some show it late. Whoever looks at the backing sees it.
void check_linked(const Place& place, unsigned done) {
  for (unsigned i = 0; i < done; ++i) {
    if (!exists_in(place, place.name(i))) wrong(place.name(i), "it is there");
  }
  check_entries(place, done + 1);
}

unsigned create(Place& place, unsigned i) {
  open_in(place, place.name(i), O_CREAT | O_WRONLY);
  return 1;
}

unsigned create_exclusively(Place& place, unsigned i) {
  open_in(place, place.name(i), O_CREAT | O_EXCL | O_WRONLY);
  return 1;
}

unsigned unlink_file(Place& place, unsigned i) {
  succeed(::unlinkat(place.dir(), place.name(i), 0), "unlink", place.name(i));
  return 1;
}

unsigned rename_file(Place& place, unsigned i) {
  succeed(::renameat(place.dir(), place.name(i), place.dir(), place.new_name(i)), "rename",
          place.name(i));
  return 1;
}

unsigned make_directory(Place& place, unsigned i) {
  succeed(::mkdirat(place.dir(), place.name(i), 0755), "mkdir", place.name(i));
  return 1;
}

unsigned remove_directory(Place& place, unsigned i) {
  succeed(::unlinkat(place.dir(), place.name(i), AT_REMOVEDIR), "rmdir", place.name(i));
  return 1;
}

unsigned make_symlink(Place& place, unsigned i) {
  succeed(::symlinkat("where/it/leads", place.dir(), place.name(i)), "symlink", place.name(i));
  return 1;
}

unsigned make_link(Place& place, unsigned i) {
  succeed(::linkat(place.dir(), "target", place.dir(), place.name(i), 0), "link", place.name(i));
  return 1;
}

}  // namespace

std::vector<Operation> name_operations() {
  return {
      {"create", 3000, 3000, false, nothing, create, check_files},
      {"create_excl", 3000, 3000, false, nothing, create_exclusively, check_files},
      {"unlink", 3000, 3000, false, make_files, unlink_file, check_removed},
      {"rename", 3000, 3000, false, make_files, rename_file, check_renamed},
      {"mkdir", 2000, 2000, false, nothing, make_directory, check_directories},
      {"rmdir", 2000, 2000, false, make_directories, remove_directory, check_removed},
      {"symlink", 2000, 2000, false, nothing, make_symlink, check_symlinks},
      {"link", 3000, 3000, false, make_one_file, make_link, check_linked},
  };
}

}  // namespace cvfs::bench
