#include "fuse/resent_turn.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

namespace cvfs {
namespace {

constexpr std::chrono::milliseconds kPatience(5);
constexpr std::chrono::hours kForEver(1);

TEST(ResentTurn, EndsWithTheThreadThatIsDone) {
  ResentTurn turns;
  const std::jthread thread([&turns, turn = turns.begin()] {
    turns.work(true);
    EXPECT_TRUE(turns.has_worked(turn));
    turns.end();
  });
  EXPECT_TRUE(turns.await_end(kForEver));
}

TEST(ResentTurn, IsTakenFromAThreadThatWaits) {
  ResentTurn turns;
  std::binary_semaphore answer(0);
  std::jthread waiting([&turns, &answer, turn = turns.begin()] {
    turns.work(true);
    answer.acquire();
    EXPECT_FALSE(turns.has_worked(turn));
  });
  EXPECT_FALSE(turns.await_end(kPatience));
  const std::jthread next([&turns, turn = turns.begin()] {
    turns.work(false);
    EXPECT_TRUE(turns.has_worked(turn));
    turns.end();
  });
  EXPECT_TRUE(turns.await_end(kForEver));
  answer.release();
}

TEST(ResentTurn, StaysWithAThreadThatOthersHaveToWaitFor) {
  ResentTurn turns;
  const std::jthread thread([&turns, turn = turns.begin()] {
    turns.work(false);
    std::this_thread::sleep_for(20 * kPatience);
    EXPECT_TRUE(turns.has_worked(turn));
    turns.end();
  });
  EXPECT_TRUE(turns.await_end(kPatience));
}

}  // namespace
}  // namespace cvfs
