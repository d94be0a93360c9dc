#include "locks/lock_table.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include "lock_types.h"

namespace cvfs {
namespace {

// As the state memory is: zeroed, and there is only what is used.
class Memory {
 public:
  Memory()
      : bytes_(static_cast<std::byte*>(::mmap(nullptr, LockSection::bytes(), PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
               LockSection::bytes()) {}
  ~Memory() { ::munmap(bytes_.data(), bytes_.size()); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

LockWish wish(NodeId node, std::uint64_t owner, LockType type, LockRange range = {}) {
  return {{node, owner, LockKind::kRange}, range, type};
}

void hold(LockTable& table, const LockWish& wish) {
  LockOwnerRecord* owner = table.find(wish.owner);
  if (owner == nullptr) owner = table.add(wish.owner);
  owner->fd = 0;
  EXPECT_TRUE(table.set(*owner, wish.range, wish.type));
}

LockWaiter* wait(LockTable& table, const LockWish& wish, PosixWait posix = PosixWait::kYes) {
  static std::uint64_t unique = 0;
  LockWaiterFacts facts;
  facts.unique = unique += 2;
  facts.wish = wish;
  facts.tid = 4711;
  facts.posix = posix;
  return table.add(facts);
}

TEST(LockTable, ReadersShareAndWritersDoNot) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kRead));
  EXPECT_FALSE(table.conflict(wish(7, 2, kRead)));
  EXPECT_TRUE(table.conflict(wish(7, 2, kWrite)));
  EXPECT_FALSE(table.conflict(wish(7, 1, kWrite))) << "its own";
  EXPECT_FALSE(table.conflict(wish(8, 2, kWrite))) << "another file";
}

TEST(LockTable, FlockAndFcntlDoNotSeeEachOther) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, {{7, 1, LockKind::kWhole}, {}, kWrite});
  EXPECT_FALSE(table.conflict(wish(7, 2, kWrite)));
  EXPECT_TRUE(table.conflict({{7, 2, LockKind::kWhole}, {}, kRead}));
}

TEST(LockTable, WaitersStandInTheOrderInWhichTheyCame) {
  const Memory memory;
  LockTable table(memory.bytes());
  LockWaiter* const first = wait(table, wish(7, 1, kWrite));
  LockWaiter* const second = wait(table, wish(7, 2, kWrite));
  LockWaiter* const third = wait(table, wish(7, 3, kWrite));
  EXPECT_THAT(table.queue(7, LockKind::kRange), testing::ElementsAre(first, second, third));
  table.remove(*second);
  EXPECT_THAT(table.queue(7, LockKind::kRange), testing::ElementsAre(first, third));
  EXPECT_TRUE(table.is_awaited_by({7, 3, LockKind::kRange}));
  EXPECT_FALSE(table.is_awaited_by({7, 2, LockKind::kRange}));
}

TEST(LockTable, WhoeverIsInTheWayBlocksAWaiter) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kRead));
  hold(table, wish(7, 2, kRead));
  LockWaiter* const waiter = wait(table, wish(7, 3, kWrite, {5, 5}));
  EXPECT_TRUE(table.is_blocked(*waiter));
  hold(table, wish(7, 1, LockType::kNone));
  EXPECT_TRUE(table.is_blocked(*waiter)) << "by the other one";
  EXPECT_TRUE(table.is_blocked(*waiter));
  hold(table, wish(7, 2, LockType::kNone, {0, 9}));
  EXPECT_FALSE(table.is_blocked(*waiter));
  table.remove(*table.find(wish(7, 2, kRead).owner));
  EXPECT_FALSE(table.is_blocked(*waiter));
  hold(table, wish(8, 2, kRead));
  EXPECT_FALSE(table.is_blocked(*waiter)) << "another file";
}

TEST(LockTable, TwoThatWaitForEachOtherAreADeadlock) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kWrite));
  hold(table, wish(8, 2, kWrite));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(7, 2, kWrite))));
  EXPECT_TRUE(table.is_deadlock(*wait(table, wish(8, 1, kRead))));
}

TEST(LockTable, ACircleOfManyIsADeadlock) {
  const Memory memory;
  LockTable table(memory.bytes());
  constexpr std::uint64_t kMany = 1000;
  for (std::uint64_t i = 0; i < kMany; ++i) hold(table, wish(i, i, kWrite));
  for (std::uint64_t i = 0; i + 1 < kMany; ++i) {
    EXPECT_FALSE(table.is_deadlock(*wait(table, wish(i + 1, i, kWrite))));
  }
  EXPECT_TRUE(table.is_deadlock(*wait(table, wish(0, kMany - 1, kWrite))));
}

TEST(LockTable, SearchesThroughAsManyAsCanWait) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kWrite, {1, 1}));
  hold(table, wish(7, 2, kWrite, {2, 2}));
  constexpr int kThreads = 40'000;
  for (int i = 0; i < kThreads; ++i) wait(table, wish(7, 1, kWrite, {2, 2}));
  for (int i = 0; i < kThreads; ++i) wait(table, wish(7, 2, kWrite, {1, 1}));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(7, 3, kWrite, {1, 1}))));
  EXPECT_TRUE(table.is_deadlock(*wait(table, wish(7, 1, kWrite, {2, 2}))));
}

TEST(LockTable, OneReaderOfSeveralInTheCircleIsEnough) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kRead));
  hold(table, wish(7, 2, kRead));
  hold(table, wish(8, 3, kWrite));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(8, 2, kWrite))));
  EXPECT_TRUE(table.is_deadlock(*wait(table, wish(7, 3, kWrite))));
}

TEST(LockTable, TwoReadersThatBothWantToWriteAreADeadlock) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kRead));
  hold(table, wish(7, 2, kRead));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(7, 1, kWrite))));
  EXPECT_TRUE(table.is_deadlock(*wait(table, wish(7, 2, kWrite))));
}

TEST(LockTable, AnOpenFileDescriptionInTheCircleIsNone) {
  const Memory memory;
  LockTable table(memory.bytes());
  hold(table, wish(7, 1, kWrite));
  hold(table, wish(8, 2, kWrite));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(7, 2, kWrite), PosixWait::kNo)));
  EXPECT_FALSE(table.is_deadlock(*wait(table, wish(8, 1, kWrite))));
}

// Others read who may be in a circle in the state memory, and ask the kernel of each.
TEST(LockTable, NotesTheThreadOfThoseThatMayBeInACircle) {
  const Memory memory;
  LockTable table(memory.bytes());
  EXPECT_EQ(wait(table, wish(7, 1, kWrite), PosixWait::kNo)->record->tid, 0);
  EXPECT_FALSE(table.has_posix_waits());
  LockWaiter* const unknown = wait(table, wish(7, 2, kWrite), PosixWait::kUnknown);
  EXPECT_EQ(unknown->record->tid, 4711);
  EXPECT_TRUE(table.has_posix_waits());
  table.note_caller(*unknown, 4712, PosixWait::kNo);
  EXPECT_EQ(unknown->record->tid, 0);
  EXPECT_EQ(wait(table, wish(7, 3, kWrite))->record->tid, 4711);
}

TEST(LockTable, GoesOnWithWhatAnotherProcessLeft) {
  const Memory memory;
  std::uint64_t unique = 0;
  {
    LockTable table(memory.bytes());
    hold(table, wish(7, 1, kWrite, {0, 9}));
    hold(table, wish(7, 1, kRead, {5, 6}));
    hold(table, wish(7, 2, kRead, {20, 29}));
    hold(table, wish(9, 3, kRead));
    table.remove(*table.find(wish(9, 3, kRead).owner));
    unique = wait(table, wish(7, 3, kWrite))->unique();
    table.remove(*wait(table, wish(7, 4, kWrite)));
  }
  LockTable table(memory.bytes());
  EXPECT_EQ(table.owner_count(), 2U);
  EXPECT_FALSE(table.has_owners(9));
  const auto conflict = table.conflict(wish(7, 3, kRead));
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->range, (LockRange{0, 4}));
  EXPECT_FALSE(table.conflict(wish(7, 3, kRead, {5, 6})));
  const auto queue = table.queue(7, LockKind::kRange);
  ASSERT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue[0], table.find_waiter(unique));
  EXPECT_EQ(queue[0]->state, LockWaiter::State::kUnconfirmed);
  // Its records are not given out again.
  hold(table, wish(7, 5, kRead, {40, 49}));
  EXPECT_EQ(table.conflict(wish(7, 3, kRead))->range, (LockRange{0, 4}));
}

constexpr std::size_t kEach = 200;

// Owners of kEach ranges, and one of as many as there is room for; returns how many owners.
std::uint64_t fill(LockTable& table) {
  std::uint64_t owner = 0;
  for (std::size_t i = 0; i + 2 * kEach < LockSection::kRanges - LockSection::kSpareRanges; ++i) {
    if (i % kEach == 0) ++owner;
    hold(table, wish(owner, owner, kWrite, {2 * (i % kEach), 2 * (i % kEach)}));
  }
  return owner;
}

TEST(LockTable, NobodyTakesTheLastRange) {
  const Memory memory;
  LockTable table(memory.bytes());
  const std::uint64_t owners = fill(table);
  std::uint64_t most = 0;
  for (; table.has_room(wish(7777, 7777, kWrite, {2 * most, 2 * most})); ++most) {
    hold(table, wish(7777, 7777, kWrite, {2 * most, 2 * most}));
    ASSERT_LT(most, 2 * kEach);
  }
  EXPECT_TRUE(table.has_room(wish(8888, 8888, kWrite))) << "somebody else's first";
  EXPECT_FALSE(table.has_room(wish(owners - 1, owners - 1, kWrite, {9999, 9999})));
}

TEST(LockTable, WhatNeedsNoMoreRangesIsPossibleInAFullTable) {
  const Memory memory;
  LockTable table(memory.bytes());
  fill(table);
  for (std::uint64_t more = 0; table.has_room(wish(7777, more, kWrite)); ++more) {
    hold(table, wish(7777, more, kWrite));
  }
  const LockOwnerRecord& first = *table.find(wish(1, 1, kWrite).owner);
  EXPECT_FALSE(table.has_room(wish(1, 1, kWrite, {1001, 1001})));
  EXPECT_FALSE(table.has_room(wish(7777, 1, LockType::kNone, {5, 5}))) << "it would be two";
  for (const LockWish& change : {wish(1, 1, kRead, {20, 20}), wish(1, 1, kWrite, {0, 99}),
                                 wish(1, 1, LockType::kNone, {100, 100})}) {
    ASSERT_TRUE(table.has_room(change));
    const auto expected = changed(table.ranges_of(first), {change.range, change.type, 0});
    hold(table, change);
    const auto held = table.ranges_of(first);
    ASSERT_EQ(held.size(), expected.size());
    for (std::size_t i = 0; i < held.size(); ++i) {
      EXPECT_EQ(held[i].range, expected[i].range);
      EXPECT_EQ(held[i].type, expected[i].type);
    }
  }
}

}  // namespace
}  // namespace cvfs
