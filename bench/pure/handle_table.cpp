// The handle table: what OPEN, every request on an open file, and RELEASE do in it.
#include "vfs/handle_table.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

#include "sys/shared_memory.h"

namespace cvfs {
namespace {

constexpr std::uint32_t kCapacity = 1U << 16;

void add_find_and_remove(benchmark::State& state) {
  auto memory = sys::SharedMemory::create("bench", HandleTable::bytes_for(kCapacity));
  if (!memory) std::abort();
  HandleTable handles({static_cast<std::byte*>(memory->data()), memory->size()}, kCapacity);
  for (int i = 0; i < state.range(0); ++i) {
    if (!handles.add(kRootNode, UniqueFd(), 0)) std::abort();
  }
  while (state.KeepRunning()) {
    const auto id = handles.add(kRootNode, UniqueFd(), 0);
    benchmark::DoNotOptimize(handles.find(*id));
    benchmark::DoNotOptimize(handles.remove(*id));
  }
}
BENCHMARK(add_find_and_remove)->Arg(10)->Arg(10000);

}  // namespace
}  // namespace cvfs
