// What is done with a file: opening, small reads and writes in the page cache, locks.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "calls.h"
#include "operation.h"

namespace cvfs::bench {
namespace {

constexpr unsigned kBlock = 4096;
constexpr unsigned kBlocks = 1024;
constexpr char kFill = 'x';

void unchanged(const Place& place, unsigned) {
  check_entries(place, place.names());
}

unsigned open_and_close(Place& place, unsigned i) {
  open_in(place, place.name(i), O_RDONLY);
  return 1;
}

off_t offset_of(unsigned step) {
  return static_cast<off_t>(step % kBlocks) * kBlock;
}

// 4 MiB, written whole, so that all of it is in the page cache.
void make_filled_file(Place& place) {
  place.file = open_in(place, place.name(0), O_CREAT | O_EXCL | O_RDWR);
  place.buffer.assign(kBlock, kFill);
  for (unsigned i = 0; i < kBlocks; ++i) {
    if (::pwrite(place.file.get(), place.buffer.data(), kBlock, offset_of(i)) != kBlock) {
      failed("pwrite", place.name(0));
    }
  }
}

unsigned read_block(Place& place, unsigned i) {
  if (::pread(place.file.get(), place.buffer.data(), kBlock, offset_of(i)) != kBlock) {
    failed("pread", place.name(0));
  }
  return 1;
}

unsigned write_block(Place& place, unsigned i) {
  if (::pwrite(place.file.get(), place.buffer.data(), kBlock, offset_of(i)) != kBlock) {
    failed("pwrite", place.name(0));
  }
  return 1;
}

// Through a descriptor of its own, so that it is the file that is read, not what was written from.
void check_contents(const Place& place, unsigned) {
  const UniqueFd file = open_in(place, place.name(0), O_RDONLY);
  std::vector<char> block(kBlock);
  for (unsigned i = 0; i < kBlocks; ++i) {
    if (::pread(file.get(), block.data(), kBlock, offset_of(i)) != kBlock) {
      failed("pread", place.name(0));
    }
    if (!std::all_of(block.begin(), block.end(), [](char byte) { return byte == kFill; })) {
      wrong(place.name(0), "it has the bytes that were written");
    }
  }
}

void make_open_file(Place& place) {
  place.file = open_in(place, place.name(0), O_CREAT | O_EXCL | O_RDWR);
}

// By a filesystem in user space: one round trip, with next to nothing done on the way.
unsigned ask_for_attributes(Place& place, unsigned) {
  struct statx attributes {};
  succeed(::statx(place.file.get(), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
                  &attributes),
          "statx(AT_STATX_FORCE_SYNC)", place.name(0));
  return 1;
}

void set_lock(const Place& place, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 100;
  succeed(::fcntl(place.file.get(), F_SETLK, &lock), "fcntl(F_SETLK)", place.name(0));
}

unsigned lock_and_unlock(Place& place, unsigned) {
  set_lock(place, F_WRLCK);
  set_lock(place, F_UNLCK);
  return 1;
}

unsigned flock_and_unlock(Place& place, unsigned) {
  succeed(::flock(place.file.get(), LOCK_EX | LOCK_NB), "flock", place.name(0));
  succeed(::flock(place.file.get(), LOCK_UN), "flock", place.name(0));
  return 1;
}

}  // namespace

std::vector<Operation> file_operations() {
  return {
      {"open_close", 100, 8000, true, make_files, open_and_close, unchanged},
      {"pread_4k", 1, 40000, true, make_filled_file, read_block, check_contents},
      {"pwrite_4k", 1, 40000, true, make_filled_file, write_block, check_contents},
      {"getattr", 1, 10000, true, make_open_file, ask_for_attributes, unchanged},
      {"lock_unlock", 1, 10000, true, make_open_file, lock_and_unlock, unchanged},
      {"flock_unlock", 1, 10000, true, make_open_file, flock_and_unlock, unchanged},
  };
}

}  // namespace cvfs::bench
