// The inode table: what LOOKUP, every request on an inode, and FORGET do in it.
#include "vfs/inode_table.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <span>

#include "sys/shared_memory.h"

namespace cvfs {
namespace {

constexpr std::uint32_t kCapacity = 1U << 20;

FileId file(std::uint64_t inode) {
  FileId id;
  id.device = 7;
  id.inode = inode;
  id.handle.type = 1;
  id.handle.size = 8;
  return id;
}

// A table with `live` inodes in memory of its own.
class Table {
 public:
  explicit Table(std::uint64_t live)
      : memory_(std::move(*sys::SharedMemory::create("bench", InodeTable::bytes_for(kCapacity)))),
        inodes({static_cast<std::byte*>(memory_.data()), memory_.size()}, kCapacity) {
    for (std::uint64_t i = 1; i <= live; ++i) {
      if (!inodes.remember(file(i))) std::abort();
    }
  }

 private:
  sys::SharedMemory memory_;

 public:
  InodeTable inodes;
};

void remember_known(benchmark::State& state) {
  const auto live = static_cast<std::uint64_t>(state.range(0));
  Table table(live);
  std::uint64_t i = 0;
  while (state.KeepRunning())
    benchmark::DoNotOptimize(table.inodes.remember(file(1 + i++ * 7919 % live)));
}
BENCHMARK(remember_known)->Arg(1000)->Arg(500000);

void remember_and_forget(benchmark::State& state) {
  Table table(static_cast<std::uint64_t>(state.range(0)));
  while (state.KeepRunning()) {
    const auto remembered = table.inodes.remember(file(kCapacity));
    if (table.inodes.forget(remembered->node, 1)) table.inodes.recycle(remembered->node);
  }
}
BENCHMARK(remember_and_forget)->Arg(1000)->Arg(500000);

void find(benchmark::State& state) {
  const auto live = static_cast<std::uint64_t>(state.range(0));
  Table table(live);
  const NodeId node = table.inodes.remember(file(1))->node;
  while (state.KeepRunning()) benchmark::DoNotOptimize(table.inodes.find(node));
}
BENCHMARK(find)->Arg(1000);

// Several workers' threads at once, each on files of its own.
void remember_by_threads(benchmark::State& state) {
  static Table table(1000);
  std::uint64_t i = static_cast<std::uint64_t>(state.thread_index()) * 100;
  while (state.KeepRunning()) benchmark::DoNotOptimize(table.inodes.remember(file(1 + i++ % 1000)));
}
BENCHMARK(remember_by_threads)->Threads(1)->Threads(2)->Threads(4)->UseRealTime();

}  // namespace
}  // namespace cvfs
