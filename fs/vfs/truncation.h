// Truncation, exactly once: what others write to a file after a worker has cut it and died, by
// passthrough or on the host, is not cut by the next one. Any thread.
#pragma once

#include "vfs/mount.h"

namespace cvfs {

// In an intent's detail, beside the size before: a CREATE may mean to make a file or to cut one.
inline constexpr std::uint64_t kTruncates = std::uint64_t{1} << 63;

// An earlier process had come to plan a truncation.
inline bool planned_truncation(const Intent& intent) {
  return intent.planned() && (intent.detail() & kTruncates) != 0;
}

// Runs `change() -> Result<void>`, which gives `file` the size `size`, unless an earlier process
// had come to do that. Where others have since made the file as long as it was before, that cannot
// be seen: it is cut again.
template <class Change>
Result<void> truncate_once(Mount& mount, Intent& intent, const File& file, std::uint64_t size,
                           Change change) {
  const std::uint64_t before =
      intent.planned() ? intent.detail() & ~kTruncates : TRY(mount.store->status(file)).size;
  const auto was_made = [&] {
    const auto status = mount.store->status(file);
    return status && (size < before ? status->size < before : status->size >= size);
  };
  return exactly_once(intent, change, was_made, before | kTruncates);
}

}  // namespace cvfs
