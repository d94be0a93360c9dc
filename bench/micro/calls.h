// System calls of the micro benchmark: what fails or answers wrongly throws, naming call and
// object. Any thread.
#pragma once

#include <sys/stat.h>

#include <stdexcept>

#include "base/unique_fd.h"
#include "operation.h"

namespace cvfs::bench {

// errno, with "call object" in front.
[[noreturn]] void failed(const char* call, const char* object);

// "object: claim does not hold".
[[noreturn]] void wrong(const char* object, const char* claim);

// What the call returned, if that is not -1.
inline int succeed(int returned, const char* call, const char* object) {
  if (returned < 0) failed(call, object);
  return returned;
}

// open(2) in the place.
UniqueFd open_in(const Place& place, const char* name, int flags, mode_t mode = 0644);

struct stat status_in(const Place& place, const char* name);

bool exists_in(const Place& place, const char* name);

// An empty file, or a directory, for each of the place's names.
void make_files(Place& place);
void make_directories(Place& place);

// The place has `count` entries and no more.
void check_entries(const Place& place, unsigned count);

}  // namespace cvfs::bench
