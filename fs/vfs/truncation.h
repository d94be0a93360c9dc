// Truncation, exactly once: what others write to a file after a worker has cut it and died, by
// passthrough or on the host, is not cut by the next one. Any thread.
#pragma once

#include "vfs/mount.h"

namespace cvfs {

// Runs `change() -> Result<void>`, which gives `file` the size `size`, unless an earlier process
// had come to do that. Where others have since made the file as long as it was before, that cannot
// be seen: it is cut again.
template <class Change>
Result<void> truncate_once(Mount& mount, Intent& intent, const File& file, std::uint64_t size,
                           Change change) {
  const std::uint64_t before =
      intent.planned() ? intent.detail() : TRY(mount.store->status(file)).size;
  const auto was_made = [&] {
    const auto status = mount.store->status(file);
    return status && (size < before ? status->size < before : status->size >= size);
  };
  return exactly_once(intent, change, was_made, before);
}

}  // namespace cvfs
