// Refresh: what the notifier does when nobody knows what has changed (docs/caching.md, More than is
// kept): what the kernel knows of the view and does not use it forgets; of the rest every name
// that there is on the backing is to be looked up again. The notifier's thread only; holds no lock
// while it tells.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "fuse/name_teller.h"
#include "vfs/mount.h"

namespace cvfs {

class Refresh {
 public:
  struct Told {
    // An inode's attributes and, of a directory, its listing are old.
    std::function<void(NodeId, bool listing)> inode;
    std::function<void(std::vector<NameChange>)> names;
  };

  Refresh(Mount& mount, Told told) : mount_(mount), told_(std::move(told)) {}

  void run();

 private:
  // Deeper trees than that would take as many passes; what is left is looked at one by one.
  static constexpr int kMostPasses = 64;
  static constexpr std::size_t kPruned = 4096;  // inodes a message
  static constexpr std::size_t kNames = 1024;   // names at a time

  void prune();
  void look_at(NodeId node, const FileId& id);
  Result<void> tell_names_in(NodeId node, const File& directory);

  Mount& mount_;
  Told told_;
};

}  // namespace cvfs
