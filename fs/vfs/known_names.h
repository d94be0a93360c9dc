// KnownNames: by which name the kernel came to know an inode last. When nobody can say any more
// what has changed (fuse/refresh.h), that is what is told of an inode that is in use: the kernel
// takes names only by name. In ordinary memory: an inode of which an earlier process spoke has
// none. Thread-safe; locks in docs/locking.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "base/mutex.h"

namespace cvfs {

class KnownNames {
 public:
  struct Name {
    NodeId parent = 0;
    std::string name;
  };

  void note(NodeId node, NodeId parent, std::string_view name);
  void forget(NodeId node);
  std::optional<Name> name_of(NodeId node);

 private:
  struct Shard {
    Mutex mutex;
    std::unordered_map<NodeId, Name> names CVFS_GUARDED_BY(mutex);
  };
  Shard& shard_of(NodeId node) { return shards_[node % shards_.size()]; }

  std::array<Shard, 64> shards_;
};

}  // namespace cvfs
