#include "vfs/file_locks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "lock_view.h"
#include "no_threads.h"
#include "posix_waiter.h"

namespace cvfs {
namespace {

class FileLocksTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "opens files by their handles";
  }
};

// As one that is killed between the kernel's grant to it and the table's leaves it.
TEST_F(FileLocksTest, WhatAWaiterGotAndNobodyNotedIsGivenBack) {
  LockView view;
  const UniqueFd host = view.host();
  {
    LockTable table(view.memory());
    LockOwnerRecord* owner = table.add({view.node, 1, LockKind::kRange});
    owner->fd = view.host().release();
    owner->can_write = 1;
    for (const LockRange held : {LockRange{10, 19}, LockRange{30, 39}}) {
      ASSERT_TRUE(table.set(*owner, held, LockType::kRead));
    }
    LockWaiterFacts waits;
    waits.unique = 2;
    waits.wish = {owner->key(), {0, 34}, LockType::kWrite};
    table.add(waits);
    LockView::lock(owner->fd, {0, 34});
    LockView::lock(owner->fd, {30, 39});
  }
  view.locks(true);
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {0, 9}));
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {20, 29}));
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {40, LockRange::kEnd}));
  for (const LockRange held : {LockRange{10, 19}, LockRange{30, 39}}) {
    EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kRead, held));
    EXPECT_FALSE(LockView::can_lock(host.get(), LockType::kWrite, held)) << "it was held before";
  }
}

TEST_F(FileLocksTest, AFlockThatAWaiterGotAndNobodyNotedIsGivenBack) {
  LockView view;
  const UniqueFd host = view.host();
  {
    LockTable table(view.memory());
    LockOwnerRecord* owner = table.add({view.node, 1, LockKind::kWhole});
    owner->fd = view.host().release();
    LockWaiterFacts waits;
    waits.unique = 2;
    waits.wish = {owner->key(), {}, LockType::kWrite};
    table.add(waits);
    ASSERT_EQ(::flock(owner->fd, LOCK_EX), 0);
  }
  view.locks(true);
  EXPECT_EQ(::flock(host.get(), LOCK_EX | LOCK_NB), 0);
}

// As one that is killed after the table's noting it, before the answer, leaves it.
TEST_F(FileLocksTest, WhoeverGotHisLockIsNotInterruptedAfterwards) {
  LockView view;
  const LockRequest waits = view.request(1, LockType::kWrite, {0, 9}, true);
  {
    LockTable table(view.memory());
    LockOwnerRecord* owner = table.add(waits.wish.owner);
    owner->fd = view.host().release();
    LockWaiterFacts facts;
    facts.unique = waits.unique;
    facts.wish = waits.wish;
    table.add(facts);
    ASSERT_TRUE(table.set(*owner, {0, 9}, LockType::kWrite));
    LockView::lock(owner->fd, {0, 9});
  }
  view.locks(true);
  EXPECT_EQ(view.ask(waits), 0);
  view.locks().interrupt(waits.unique, waits.unique);
  view.locks().settle();
  EXPECT_FALSE(LockView::can_lock(view.host().get(), LockType::kRead, {0, 9}));
}

// A thread of a process waits to read while another one comes to lock for writing, by which the
// process gets another descriptor.
TEST_F(FileLocksTest, WhoeverComesToWriteWhileHeWaitsHoldsAllOfIt) {
  LockView view;
  const UniqueFd host = view.host();
  ASSERT_EQ(view.ask(view.request(1, LockType::kRead, {50, 59})), 0);
  LockView::lock(host.get(), {0, 9});
  const LockRequest waits = view.request(1, LockType::kRead, {0, 9}, true);
  ASSERT_EQ(view.ask(waits), LockView::kWaits);
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {100, 109})), 0);
  ASSERT_EQ(view.ask(view.request(1, LockType::kNone, {50, 59})), 0);
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {50, 59})) << "given up";
  LockView::unlock(host.get());
  EXPECT_EQ(view.answer_of(waits), 0);
  EXPECT_FALSE(LockView::can_lock(host.get(), LockType::kWrite, {0, 9}));
  EXPECT_FALSE(LockView::can_lock(host.get(), LockType::kRead, {100, 109}));
  ASSERT_EQ(view.ask(view.request(1, LockType::kNone, {})), 0);
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {}));
}

// Two processes hold a byte each and wait for the other's; what the worker had come to note of it
// when it died is as `noted`, and both ask the next one in the order of `asks`.
struct Circle {
  bool is_second_noted;
  bool second_asks_first;
};
class DeadlockOverADeath : public FileLocksTest, public testing::WithParamInterface<Circle> {};

TEST_P(DeadlockOverADeath, IsSeen) {
  const PosixWaiter thread;
  LockView view;
  LockRequest first = view.request(1, LockType::kWrite, {1, 1}, true);
  LockRequest second = view.request(2, LockType::kWrite, {0, 0}, true);
  first.tid = second.tid = thread.tid();
  {
    LockTable table(view.memory());
    for (const LockRequest* request : {&first, &second}) {
      LockOwnerRecord* owner = table.add(request->wish.owner);
      owner->fd = view.host().release();
      owner->can_write = 1;
      const LockRange held = request == &first ? LockRange{0, 0} : LockRange{1, 1};
      ASSERT_TRUE(table.set(*owner, held, LockType::kWrite));
      LockView::lock(owner->fd, held);
      if (request == &second && !GetParam().is_second_noted) continue;
      LockWaiterFacts waits;
      waits.unique = request->unique;
      waits.wish = request->wish;
      table.add(waits);
    }
  }
  view.locks(true);
  const auto asks =
      GetParam().second_asks_first ? std::vector{second, first} : std::vector{first, second};
  std::map<std::uint64_t, int> at_once;
  for (const LockRequest& request : asks) at_once[request.unique] = view.ask(request);
  view.locks().settle();
  const int told = at_once[second.unique];
  EXPECT_EQ(told == LockView::kWaits ? view.answer_of(second) : told, EDEADLK);
  EXPECT_EQ(at_once[first.unique], LockView::kWaits);
  EXPECT_EQ(view.ask(view.request(2, LockType::kNone, {})), 0);
  EXPECT_EQ(view.answer_of(first), 0) << "and the other one gets his lock";
}

INSTANTIATE_TEST_SUITE_P(All, DeadlockOverADeath,
                         testing::Values(Circle{true, false}, Circle{true, true},
                                         Circle{false, false}, Circle{false, true}));

// The kernel grants it to the thread while another request has the file's turn; before the thread
// gets its turn, its owner unlocks (by the same open file description, as any thread of his does).
TEST_F(FileLocksTest, AGrantThatCrossesAnUnlockIsHeldByTheKernelAsWell) {
  LockView view;
  const UniqueFd host = view.host();
  LockView::lock(host.get(), {0, 9});
  const LockRequest waits = view.request(1, LockType::kWrite, {0, 9}, true);
  const LockRequest other = view.request(2, LockType::kRead, {50, 50});
  view.on_answer = [&](std::uint64_t reply_to) {
    if (reply_to != other.reply_to) return;
    LockView::unlock(host.get());
    // Of the two descriptors the one by which the thread waits.
    const auto has_it = [&] { return !LockView::can_lock(host.get(), LockType::kRead, {0, 9}); };
    for (int i = 0; i < 10'000 && !has_it(); ++i) ::usleep(1000);
    EXPECT_TRUE(has_it());
    for (const int fd : view.locks().descriptors()) LockView::unlock(fd, {0, 9});
  };
  ASSERT_EQ(view.ask(waits), LockView::kWaits);
  ASSERT_EQ(view.ask(other), 0);
  EXPECT_EQ(view.answer_of(waits), 0);
  EXPECT_FALSE(LockView::can_lock(host.get(), LockType::kRead, {0, 9}));
}

// Every number that the process may have is a descriptor's while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(UniqueFd(::dup(STDERR_FILENO)).get());
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = ::dup(STDERR_FILENO); fd >= 0; fd = ::dup(STDERR_FILENO)) taken_.emplace_back(fd);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<UniqueFd> taken_;
};

TEST_F(FileLocksTest, AFullTableOfDescriptorsKeepsNobodyFromUnlocking) {
  LockView view;
  ASSERT_EQ(view.ask(view.whole(1, LockType::kWrite)), 0);
  std::vector<LockRequest> waiting;
  for (std::uint64_t owner = 2; owner < 22; ++owner) {
    waiting.push_back(view.whole(owner, LockType::kRead, true));
    ASSERT_EQ(view.ask(waiting.back()), LockView::kWaits);
  }
  {
    const NoDescriptors none;
    EXPECT_EQ(view.ask(view.whole(1, LockType::kNone)), 0);
    for (const LockRequest& one : waiting) EXPECT_EQ(view.answer_of(one), ENOLCK);
  }
  EXPECT_EQ(view.ask(view.whole(30, LockType::kWrite)), 0);
}

// Owners of other files take all ranges but a few hundred.
void fill(LockView& view) {
  LockTable table(view.memory());
  constexpr NodeId kOthers = 1000;
  for (NodeId node = kOthers; node < kOthers + LockSection::kRanges / 200 - 10; ++node) {
    LockOwnerRecord* owner = table.add({node, node, LockKind::kRange});
    owner->fd = 0;
    for (std::uint64_t i = 0; i < 200; ++i) table.set(*owner, {2 * i, 2 * i}, LockType::kRead);
  }
}

TEST_F(FileLocksTest, WhoeverDidNotAskAgainDoesNotWaitAnyMore) {
  LockView view;
  const LockRequest gone = view.request(1, LockType::kWrite, {0, 9}, true);
  const LockRequest waits = view.request(2, LockType::kWrite, {0, 9}, true);
  {
    LockTable table(view.memory());
    for (const LockRequest& request : {gone, waits}) {
      LockWaiterFacts facts;
      facts.unique = request.unique;
      facts.wish = request.wish;
      table.add(facts);
    }
  }
  view.locks(true);
  EXPECT_EQ(view.ask(waits), LockView::kWaits);
  view.locks().settle();
  EXPECT_EQ(view.answer_of(waits), 0);
  EXPECT_EQ(view.ask(view.request(2, LockType::kNone, {0, 9})), 0);
  EXPECT_TRUE(LockView::can_lock(view.host().get(), LockType::kWrite, {0, 9}));
}

TEST_F(FileLocksTest, WhoeverIsRefusedForWantOfRoomKeepsWhatHeHas) {
  LockView view;
  fill(view);
  const UniqueFd host = view.host();
  ASSERT_EQ(view.ask(view.request(1, LockType::kRead, {0, 29})), 0);
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {40, 40})), 0);
  for (std::uint64_t owner = 2; view.ask(view.request(owner, LockType::kRead, {50, 50})) == 0;) {
    ++owner;
  }
  EXPECT_EQ(view.ask(view.request(1, LockType::kWrite, {10, 14})), ENOLCK);
  EXPECT_EQ(view.ask(view.request(1, LockType::kNone, {10, 14})), ENOLCK);
  EXPECT_FALSE(LockView::can_lock(host.get(), LockType::kWrite, {10, 14}));
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kRead, {10, 14}));
  EXPECT_EQ(view.ask(view.request(1, LockType::kNone, {20, 99})), 0);
  EXPECT_TRUE(LockView::can_lock(host.get(), LockType::kWrite, {40, 40}));
}

TEST_F(FileLocksTest, WhoeverWaitsIsNotRefusedForWantOfADescriptor) {
  LockView view(10);
  ASSERT_EQ(view.ask(view.whole(1, LockType::kWrite)), 0);
  std::vector<LockRequest> waiting;
  for (std::uint64_t owner = 2; owner < 42; ++owner) {
    waiting.push_back(view.whole(owner, LockType::kRead, true));
    ASSERT_EQ(view.ask(waiting.back()), LockView::kWaits);
  }
  ASSERT_EQ(view.ask(view.whole(1, LockType::kNone)), 0);
  EXPECT_EQ(view.ask(view.whole(50, LockType::kRead)), ENOLCK) << "who does not wait yet";
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    ASSERT_EQ(view.answer_of(waiting[i]), 0) << i;
    ASSERT_EQ(view.ask(view.whole(waiting[i].wish.owner.id, LockType::kNone)), 0);
  }
  EXPECT_EQ(view.ask(view.whole(50, LockType::kRead)), 0);
}

TEST_F(FileLocksTest, DescriptorsOfThoseWhoHoldNothingGoToThoseWhoDo) {
  LockView view(10);
  for (std::uint64_t owner = 1; owner < 10; ++owner) {
    ASSERT_EQ(view.ask(view.whole(owner, LockType::kWrite)), 0);
    ASSERT_EQ(view.ask(view.whole(owner, LockType::kNone)), 0);
  }
  view.node = view.look_up("other");
  view.reads = view.open(view.node, O_RDONLY);
  for (std::uint64_t owner = 1; owner < 11; ++owner) {
    EXPECT_EQ(view.ask(view.whole(owner, LockType::kRead)), 0) << owner;
  }
}

TEST_F(FileLocksTest, OneTryWaitsForACloseThatWasNotTheLast) {
  LockView view;
  constexpr std::uint64_t kChild = 99;
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {0, 9})), 0);
  EXPECT_EQ(view.ask(view.request(2, LockType::kWrite, {0, 9})), EAGAIN);
  for (int i = 0; i < 2; ++i) {
    view.locks().close(view.node, view.writes, kChild);
    const LockRequest first = view.request(2, LockType::kWrite, {0, 9});
    EXPECT_EQ(view.ask(first), LockView::kWaits);
    EXPECT_EQ(view.answer_of(first), EAGAIN);
    EXPECT_EQ(view.ask(view.request(2, LockType::kWrite, {0, 9})), EAGAIN) << "at once";
  }
}

TEST_F(FileLocksTest, WhereThereIsNoThreadAWaitIsRefusedAndNothingIsLeftOfIt) {
  LockView view;
  const UniqueFd host = view.host();
  LockView::lock(host.get(), {0, 9});
  {
    const NoThreads none;
    const LockRequest waits = view.request(1, LockType::kWrite, {0, 9}, true);
    (void)view.ask(waits);
    EXPECT_EQ(view.answer_of(waits), ENOLCK);
    EXPECT_EQ(view.ask(view.whole(3, LockType::kRead)), 0) << "others lock";
    view.locks().close(view.node, view.reads, 99);
    EXPECT_EQ(view.ask(view.whole(4, LockType::kWrite)), EAGAIN) << "without waiting for the close";
  }
  LockView::unlock(host.get());
  EXPECT_EQ(view.ask(view.request(2, LockType::kWrite, {0, 9})), 0) << "nobody holds it";
}

std::ptrdiff_t thread_count() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST_F(FileLocksTest, TriesTakeNoThreadEach) {
  LockView view;
  const UniqueFd host = view.host();
  LockView::lock(host.get(), {});
  const auto before = thread_count();
  std::vector<LockRequest> tries;
  for (std::uint64_t i = 0; i < 20; ++i) {
    tries.push_back(view.request(1 + i, LockType::kWrite, {i, i}));
    (void)view.ask(tries.back());
  }
  EXPECT_LE(thread_count(), before + 1);
  for (const LockRequest& one : tries) EXPECT_EQ(view.answer_of(one), EAGAIN);
}

TEST_F(FileLocksTest, ATryGetsWhatIsGivenUpInTime) {
  LockView view;
  const UniqueFd host = view.host();
  int granted = 0;
  for (int i = 0; i < 20; ++i) {
    LockView::lock(host.get(), {});
    const LockRequest one = view.request(1, LockType::kWrite, {});
    (void)view.ask(one);
    LockView::unlock(host.get());
    if (view.answer_of(one) == 0) ++granted;
    ASSERT_EQ(view.ask(view.request(1, LockType::kNone, {})), 0);
  }
  EXPECT_GT(granted, 0) << "on a machine however busy";
}

TEST_F(FileLocksTest, TakesOneWhoDoesNotSleepYetForOneWhoMayWaitForAPosixLock) {
  const PosixWaiter sleeps;
  LockView view;
  const UniqueFd host = view.host();
  LockView::lock(host.get(), {});
  LockRequest one = view.request(1, LockType::kWrite, {});
  one.tid = sleeps.tid();
  (void)view.ask(one);
  EXPECT_FALSE(view.locks().has_posix_waits()) << "who tries does not wait";
  std::atomic<pid_t> tid = 0;
  std::atomic<bool> is_ending = false;
  const std::jthread thread([&] {
    tid = ::gettid();
    while (!is_ending) continue;
  });
  while (tid == 0) std::this_thread::yield();
  LockRequest runs = view.request(2, LockType::kWrite, {}, true);
  runs.tid = tid;
  ASSERT_EQ(view.ask(runs), LockView::kWaits);
  is_ending = true;
  EXPECT_TRUE(view.locks().has_posix_waits());
}

// Who waits for what he has got waits for him from then on.
TEST_F(FileLocksTest, TellsOfAGrantToOneWhoseOtherThreadWaits) {
  LockView view;
  int told = 0;
  view.locks().on_posix_wait([&] { ++told; });
  ASSERT_EQ(view.ask(view.request(2, LockType::kWrite, {5, 5})), 0);
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {8, 8})), 0);
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {5, 5}, true)), LockView::kWaits);
  EXPECT_EQ(told, 0) << "an open file description's lock";
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {9, 9})), 0);
  EXPECT_EQ(told, 1);
}

TEST_F(FileLocksTest, KnowsWhetherAnybodyWaitsForOthers) {
  LockView view;
  const UniqueFd host = view.host();
  LockView::lock(host.get(), {0, 0});
  ASSERT_EQ(view.ask(view.request(1, LockType::kWrite, {9, 9})), 0);
  const LockRequest for_one_of_us = view.request(2, LockType::kWrite, {9, 9}, true);
  ASSERT_EQ(view.ask(for_one_of_us), LockView::kWaits);
  EXPECT_FALSE(view.locks().has_waits_for_others());
  const LockRequest for_the_host = view.request(1, LockType::kRead, {0, 0}, true);
  ASSERT_EQ(view.ask(for_the_host), LockView::kWaits);
  EXPECT_TRUE(view.locks().has_waits_for_others());
  LockView::unlock(host.get());
  EXPECT_EQ(view.answer_of(for_the_host), 0);
  EXPECT_FALSE(view.locks().has_waits_for_others());
}

}  // namespace
}  // namespace cvfs
