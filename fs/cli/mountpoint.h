// Mount points that cannot silently collect data while no view is mounted on them: empty, mode
// 0000, and immutable (chattr(1)) where the filesystem knows that. Any thread.
#pragma once

#include <string>

#include "base/operator_error.h"

namespace cvfs {

struct Mountpoint {
  std::string path;  // absolute
  bool was_made = false;
  bool is_immutable = false;  // else root's processes, as the engine's, can still write there
};

// Makes the directory (its parents, too) where it is missing. Refused: something is mounted there,
// it is not empty, it is no directory.
Outcome<Mountpoint> protect_mountpoint(const std::string& path);

// Takes the protection and the empty directory away; nothing where there is none. Refused: as
// above.
Outcome<void> remove_mountpoint(const std::string& path);

// What a directory is on which no view is mounted (any more).
enum class Protection { kImmutable, kModeOnly, kNone };
Protection protection_of(int directory_fd);

}  // namespace cvfs
