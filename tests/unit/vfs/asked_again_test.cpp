// AskedAgain: who is told ESTALE once, and ENOENT when they come back.
#include "vfs/asked_again.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace cvfs {
namespace {

class AskedAgainTest : public testing::Test {
 protected:
  // As the next process finds it.
  void die() { asked_.emplace(memory_); }

  std::vector<std::byte> memory_{AskedAgain::bytes()};
  std::optional<AskedAgain> asked_{std::in_place, memory_};
};

TEST_F(AskedAgainTest, WhoComesBackIsNotFirst) {
  EXPECT_TRUE(asked_->is_first(7, 100, 2));
  EXPECT_FALSE(asked_->is_first(7, 100, 4));
  EXPECT_TRUE(asked_->is_first(7, 100, 6)) << "a question of its own";
  EXPECT_FALSE(asked_->is_first(7, 100, 8));
}

TEST_F(AskedAgainTest, ARequestThatIsSentAgainHasTheSameAnswer) {
  EXPECT_TRUE(asked_->is_first(7, 100, 2));
  die();
  EXPECT_TRUE(asked_->is_first(7, 100, 2));
  EXPECT_FALSE(asked_->is_first(7, 100, 4));
  die();
  EXPECT_FALSE(asked_->is_first(7, 100, 4));
}

TEST_F(AskedAgainTest, ManyAtATimeDoNotDisturbEachOther) {
  constexpr pid_t kMany = 200;
  std::uint64_t request = 2;
  for (pid_t pid = 1; pid <= kMany; ++pid)
    EXPECT_TRUE(asked_->is_first(7, pid * 256, request += 2));
  for (pid_t pid = 1; pid <= kMany; ++pid)
    EXPECT_FALSE(asked_->is_first(7, pid * 256, request += 2));
}

TEST_F(AskedAgainTest, OfTooManyTheOldestAreForgotten) {
  constexpr pid_t kTooMany = 10'000;
  std::uint64_t request = 2;
  for (pid_t pid = 1; pid <= kTooMany; ++pid) EXPECT_TRUE(asked_->is_first(7, pid, request += 2));
  EXPECT_FALSE(asked_->is_first(7, kTooMany, request + 2));
}

}  // namespace
}  // namespace cvfs
