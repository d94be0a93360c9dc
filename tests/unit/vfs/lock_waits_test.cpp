#include "vfs/lock_waits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "no_threads.h"

namespace cvfs {
namespace {

using std::chrono::milliseconds;

std::ptrdiff_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 10'000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(1));
  return condition();
}

TEST(LockWaits, GiveTheirThreadsBack) {
  constexpr std::size_t kWaits = 20;
  std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
  const UniqueFd holder(::mkstemp(path.data()));
  std::vector<UniqueFd> fds;
  for (std::size_t i = 0; i < kWaits; ++i)
    fds.emplace_back(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ::unlink(path.c_str());
  auto before = threads();
  std::atomic<std::size_t> ended = 0;
  LockWaits waits([&](std::uint64_t, int, int) { ++ended; }, milliseconds(5));
  for (std::size_t round = 1; round <= 2; ++round) {
    ASSERT_EQ(::flock(holder.get(), LOCK_EX), 0);
    for (std::size_t i = 0; i < kWaits; ++i) {
      const LockWish wish{{1, i, LockKind::kWhole}, {}, LockType::kRead};
      ASSERT_TRUE(waits.start(i, fds[i].get(), wish));
    }
    if (round == 1) ++before;  // the one that wakes others stays
    EXPECT_EQ(threads(), before + std::ptrdiff_t{kWaits});
    ASSERT_EQ(::flock(holder.get(), LOCK_UN), 0);
    EXPECT_TRUE(eventually([&] { return ended == round * kWaits; }));
    EXPECT_TRUE(eventually([&] { return threads() == before; }));
    for (const UniqueFd& fd : fds) ::flock(fd.get(), LOCK_UN);
  }
}

// Neither one whose thread has nothing to do any more nor one whose thread has ended.
TEST(LockWaits, CloseWhatNobodyWaitsByAnyMore) {
  std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
  UniqueFd fd(::mkstemp(path.data()));
  const int number = fd.get();
  ::unlink(path.c_str());
  std::atomic<std::size_t> ended = 0;
  const auto before = threads();
  LockWaits waits([&](std::uint64_t, int, int) { ++ended; }, milliseconds(5));
  ASSERT_TRUE(waits.start(1, number, {{1, 1, LockKind::kWhole}, {}, LockType::kRead}));
  ASSERT_TRUE(eventually([&] { return ended == 1 && threads() == before + 1; }));
  waits.close_later(std::move(fd));
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(LockWaits, AreRefusedWhereThereIsNoThreadAndGoOnAfterwards) {
  std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
  const UniqueFd fd(::mkstemp(path.data()));
  ::unlink(path.c_str());
  std::atomic<std::size_t> ended = 0;
  LockWaits waits([&](std::uint64_t, int, int) { ++ended; }, milliseconds(5));
  const LockWish wish{{1, 1, LockKind::kWhole}, {}, LockType::kRead};
  {
    const NoThreads none;
    for (std::size_t i = 0; i < 2 * LockWaits::kMost; ++i) {
      ASSERT_FALSE(waits.start(i, fd.get(), wish));
    }
  }
  EXPECT_TRUE(waits.start(1, fd.get(), wish)) << "no place was lost";
  EXPECT_TRUE(eventually([&] { return ended == 1; }));
}

}  // namespace
}  // namespace cvfs
