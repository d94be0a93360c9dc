// What every request pays for translation: its caller's ids, and those that attributes show.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "idmap/identity.h"

namespace cvfs {
namespace {

// As many ranges as container ids 0 to 65535 are cut into; the last id is looked for.
IdMap map_of(std::uint32_t ranges) {
  constexpr std::uint32_t kIds = 65536;
  std::vector<IdRange> all;
  for (std::uint32_t i = 0; i < ranges; ++i) {
    all.push_back({i * (kIds / ranges), 100000 + i * 2 * (kIds / ranges), kIds / ranges});
  }
  auto map = IdMap::make(all, "benchmark");
  if (!map) std::abort();
  return *map;
}

void id_map_to_inside(benchmark::State& state) {
  const IdMap map = map_of(static_cast<std::uint32_t>(state.range(0)));
  const auto last = map.to_outside(65535).value();
  while (state.KeepRunning()) benchmark::DoNotOptimize(map.to_inside(last));
}
BENCHMARK(id_map_to_inside)->Arg(1)->Arg(8)->Arg(64);

// A tenant with 65536 subordinate ids, and containers under userns-remap.
Identity identity() {
  const SubordinateIds subordinate{{{200000, 65536}}, {{200000, 65536}}};
  auto store = StoreMap::make(StoredUid{1500}, StoredGid{1500}, subordinate, "benchmark");
  if (!store) std::abort();
  const UserNamespaceMap userns{map_of(1), map_of(1), "benchmark"};
  return {userns, *store};
}

void identity_of_a_caller(benchmark::State& state) {
  const Identity ids = identity();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(ids.stored(HostUid{101000}));
    benchmark::DoNotOptimize(ids.stored(HostGid{101000}));
  }
}
BENCHMARK(identity_of_a_caller);

void identity_shown_in_attributes(benchmark::State& state) {
  const Identity ids = identity();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(ids.shown(StoredUid{200999}));
    benchmark::DoNotOptimize(ids.shown(StoredGid{200999}));
  }
}
BENCHMARK(identity_shown_in_attributes);

}  // namespace
}  // namespace cvfs
