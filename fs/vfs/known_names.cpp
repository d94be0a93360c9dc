#include "vfs/known_names.h"

namespace cvfs {

void KnownNames::note(NodeId node, NodeId parent, std::string_view name) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  Name& known = shard.names[node];
  known.parent = parent;
  known.name = name;
}

void KnownNames::forget(NodeId node) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  shard.names.erase(node);
}

std::optional<KnownNames::Name> KnownNames::name_of(NodeId node) {
  Shard& shard = shard_of(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.names.find(node);
  if (found == shard.names.end()) return {};
  return found->second;
}

}  // namespace cvfs
