#include "vfs/inode_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "table_memory.h"

namespace cvfs {
namespace {

FileId file(std::uint64_t inode, unsigned char handle_byte = 1) {
  FileId id;
  id.device = 7;
  id.inode = inode;
  id.handle.type = 1;
  id.handle.size = 8;
  id.handle.bytes[0] = handle_byte;
  std::memcpy(id.handle.bytes + 4, &inode, 4);  // the handle alone tells files apart
  return id;
}

TEST(InodeTable, GivesTheSameNumberForTheSameFile) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  const auto first = inodes.remember(file(5));
  const auto second = inodes.remember(file(5));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->node, second->node);
  EXPECT_TRUE(first->is_new);
  EXPECT_FALSE(second->is_new);
  EXPECT_EQ(inodes.live(), 1U);
}

TEST(InodeTable, TellsFilesWithTheSameInodeNumberApartByTheirHandle) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  EXPECT_NE(inodes.remember(file(5, 1))->node, inodes.remember(file(5, 2))->node);
}

TEST(InodeTable, FindsTheRootByItsFileAndNeverForgetsIt) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  inodes.set_root(file(2));
  EXPECT_EQ(inodes.remember(file(2))->node, kRootNode);
  EXPECT_FALSE(inodes.forget(kRootNode, 1000));
  EXPECT_EQ(inodes.remember(file(2))->node, kRootNode);
}

TEST(InodeTable, ForgetsOnlyWithTheLastLookup) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  const NodeId node = inodes.remember(file(5))->node;
  (void)inodes.remember(file(5));
  (void)inodes.remember(file(5));
  EXPECT_FALSE(inodes.forget(node, 1));
  EXPECT_TRUE(inodes.forget(node, 2));
  inodes.recycle(node);
  EXPECT_EQ(inodes.live(), 0U);
}

TEST(InodeTable, UsesANumberAgainWithAnotherGeneration) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  const auto first = *inodes.remember(file(5));
  ASSERT_TRUE(inodes.forget(first.node, 1));
  inodes.recycle(first.node);
  const auto second = *inodes.remember(file(6));
  EXPECT_EQ(first.node, second.node);
  EXPECT_NE(first.generation, second.generation);
}

TEST(InodeTable, DoesNotGiveANumberAwayBeforeItIsRecycled) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  const NodeId first = inodes.remember(file(5))->node;
  ASSERT_TRUE(inodes.forget(first, 1));
  EXPECT_NE(inodes.remember(file(5))->node, first);
}

TEST(InodeTable, SaysEnfileWhenItIsFullAndGoesOnAfterAForget) {
  const TableMemory<InodeTable> memory(3);
  InodeTable inodes(memory.bytes, 3);  // the root and two others
  const NodeId node = inodes.remember(file(1))->node;
  ASSERT_TRUE(inodes.remember(file(2)));
  const auto full = inodes.remember(file(3));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().value, ENFILE);
  ASSERT_TRUE(inodes.forget(node, 1));
  inodes.recycle(node);
  EXPECT_TRUE(inodes.remember(file(3)));
}

TEST(InodeTable, RefusesNumbersThatItCannotHaveGiven) {
  const TableMemory<InodeTable> memory(10);
  InodeTable inodes(memory.bytes, 10);
  EXPECT_EQ(inodes.find(0).error().value, ESTALE);
  EXPECT_EQ(inodes.find(11).error().value, ESTALE);
  EXPECT_FALSE(inodes.forget(11, 1));
  EXPECT_FALSE(inodes.forget(5, 1)) << "never given";
}

TEST(InodeTable, GoesOnWithWhatAnEarlierProcessLeft) {
  const TableMemory<InodeTable> memory(100);
  NodeId kept = 0;
  NodeId forgotten = 0;
  {
    InodeTable inodes(memory.bytes, 100);
    inodes.set_root(file(2));
    kept = inodes.remember(file(5))->node;
    (void)inodes.remember(file(5));
    forgotten = inodes.remember(file(6))->node;
    // It dies between taking the inode out and giving its number back.
    (*inodes.find(forgotten))->backing = 77;
    ASSERT_TRUE(inodes.forget(forgotten, 1));
  }
  std::vector<std::int32_t> orphans;
  InodeTable inodes =
      InodeTable::adopt(memory.bytes, 100, [&](std::int32_t id) { orphans.push_back(id); });
  EXPECT_EQ(orphans, std::vector<std::int32_t>{77});
  EXPECT_EQ(inodes.live(), 1U);
  EXPECT_EQ(inodes.remember(file(2))->node, kRootNode);
  EXPECT_EQ(inodes.remember(file(5))->node, kept);
  EXPECT_EQ(inodes.remember(file(7))->node, forgotten) << "a number that is free again";
  EXPECT_FALSE(inodes.forget(kept, 2));
  EXPECT_TRUE(inodes.forget(kept, 1)) << "two lookups before, one after";
}

TEST(InodeTable, KeepsItsCountsUnderManyThreads) {
  const TableMemory<InodeTable> memory(10'000);
  InodeTable inodes(memory.bytes, 10'000);
  constexpr int kThreads = 4;
  constexpr std::uint64_t kFiles = 64;
  constexpr int kRounds = 2'000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&inodes, t] {
        for (std::uint64_t i = 0; i < kRounds; ++i) {
          const auto remembered =
              inodes.remember(file((i * 7 + static_cast<unsigned>(t)) % kFiles));
          ASSERT_TRUE(remembered);
          if (inodes.forget(remembered->node, 1)) inodes.recycle(remembered->node);
        }
      });
    }
  }
  EXPECT_EQ(inodes.live(), 0U);
}

// What an event of the backing filesystem tells of a file is its handle alone.
TEST(InodeTable, FindsAFileByItsHandleAlone) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  const NodeId node = inodes.remember(file(5, 1))->node;
  (void)inodes.remember(file(6, 2));
  FileId elsewhere = file(5, 1);
  elsewhere.device = 8;
  const NodeId other = inodes.remember(elsewhere)->node;
  std::vector<NodeId> found;
  inodes.for_each_of(file(5, 1).handle,
                     [&](NodeId each, const InodeRecord&) { found.push_back(each); });
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<NodeId>{node, other}));
}

TEST(InodeTable, FindsNothingByNoHandle) {
  const TableMemory<InodeTable> memory(100);
  InodeTable inodes(memory.bytes, 100);
  FileId nameless = file(5);
  nameless.handle = {};
  (void)inodes.remember(nameless);
  inodes.for_each_of({}, [](NodeId, const InodeRecord&) { ADD_FAILURE(); });
}

// How much of it is there.
std::size_t resident_bytes(std::span<std::byte> memory) {
  constexpr std::size_t kPage = 4096;
  std::vector<unsigned char> pages(memory.size() / kPage + 1);
  EXPECT_EQ(::mincore(memory.data(), memory.size(), pages.data()), 0);
  const auto is_there = [](unsigned char page) { return (page & 1) != 0; };
  return kPage * static_cast<std::size_t>(std::ranges::count_if(pages, is_there));
}

TEST(InodeTable, TakesAtMost256BytesAnInodeHoweverFewThereAre) {
  constexpr std::uint32_t kCapacity = 16 << 20;
  const TableMemory<InodeTable> memory(kCapacity);
  InodeTable inodes(memory.bytes, kCapacity);
  std::uint64_t live = 0;
  for (const std::uint64_t wanted : {0U, 1'000U, 10'000U, 300'000U}) {
    while (live < wanted) ASSERT_TRUE(inodes.remember(file(++live)));
    EXPECT_LE(resident_bytes(memory.bytes), 16'384 + wanted * 256) << wanted << " inodes";
  }
}

TEST(InodeTable, FindsEverythingAgainHoweverMuchItHasGrown) {
  constexpr std::uint32_t kCapacity = 1 << 16;
  constexpr std::uint64_t kFiles = 50'000;
  const TableMemory<InodeTable> memory(kCapacity);
  InodeTable inodes(memory.bytes, kCapacity);
  std::vector<NodeId> numbers;
  for (std::uint64_t i = 0; i < kFiles; ++i) {
    numbers.push_back(inodes.remember(file(i))->node);
    ASSERT_EQ(inodes.remember(file(i / 2))->node, numbers[i / 2]);
  }
  InodeTable adopted = InodeTable::adopt(memory.bytes, kCapacity, [](std::int32_t) {});
  for (std::uint64_t i = 0; i < kFiles; ++i) {
    ASSERT_EQ(adopted.remember(file(i))->node, numbers[i]);
    if (!adopted.forget(numbers[i], 1000)) continue;
    adopted.recycle(numbers[i]);
  }
  EXPECT_EQ(adopted.live(), 0U);
  // What is found in its place must be what was put there after growing again.
  for (std::uint64_t i = 0; i < kFiles; ++i)
    ASSERT_TRUE(adopted.remember(file(kFiles + i))->is_new);
  for (std::uint64_t i = 0; i < kFiles; ++i)
    ASSERT_FALSE(adopted.remember(file(kFiles + i))->is_new);
}

TEST(InodeTable, GrowsUnderManyThreads) {
  constexpr std::uint32_t kCapacity = 1 << 17;
  constexpr std::uint64_t kFiles = 20'000;
  const TableMemory<InodeTable> memory(kCapacity);
  InodeTable inodes(memory.bytes, kCapacity);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&inodes, t] {
        for (std::uint64_t i = t * kFiles; i < (t + 1) * kFiles; ++i) {
          const auto added = inodes.remember(file(i));
          ASSERT_TRUE(added && added->is_new);
          ASSERT_EQ(inodes.remember(file(i))->node, added->node);
          if (i % 3 == 0 && inodes.forget(added->node, 2)) inodes.recycle(added->node);
        }
      });
    }
  }
  for (std::uint64_t i = 0; i < 4 * kFiles; ++i) {
    ASSERT_EQ(inodes.remember(file(i))->is_new, i % 3 == 0) << i;
  }
}

}  // namespace
}  // namespace cvfs
