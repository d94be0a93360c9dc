// The maps that the tests of this room look at.
#pragma once

#include <utility>
#include <vector>

#include "idmap/identity.h"

namespace cvfs {

inline IdMap made(std::vector<IdRange> ranges) {
  return IdMap::make(std::move(ranges), "test").value();
}

// docs/identity.md's example: toto 1500 with 200000:65536, dockremap with 100000:65536; the gids
// lie elsewhere to tell the two kinds apart. So container root is host 100000:110000 and stored
// 1500:1600; container 1000 is host 101000:111000 and stored 200999:300999.
constexpr StoredUid kTotoUid{1500};
constexpr StoredGid kTotoGid{1600};

inline UserNamespaceMap dockremap() {
  return {made({{0, 100000, 65536}}), made({{0, 110000, 65536}}), "@dockremap"};
}

inline StoreMap toto() {
  return StoreMap::make(kTotoUid, kTotoGid, {{{200000, 65536}}, {{300000, 65536}}}, "toto").value();
}

inline Identity example() {
  return Identity(dockremap(), toto());
}

template <class T>
int error_of(const Result<T>& result) {
  return result ? 0 : result.error().value;
}

}  // namespace cvfs
