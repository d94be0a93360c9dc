#include "journal/statistics.h"

#include <gtest/gtest.h>

#include <vector>

namespace cvfs {
namespace {

class StatisticsTest : public testing::Test {
 protected:
  std::vector<std::uint64_t> memory_ = std::vector<std::uint64_t>(Statistics::bytes() / 8);
  Statistics statistics_{std::as_writable_bytes(std::span(memory_))};
};

TEST_F(StatisticsTest, SumsOverTheThreads) {
  statistics_.slot(0).count(3, false);
  statistics_.slot(64).count(3, true);
  statistics_.slot(64).count(9, false);
  const auto sum = statistics_.sum();
  EXPECT_EQ(sum[3].answered, 2U);
  EXPECT_EQ(sum[3].errors, 1U);
  EXPECT_EQ(sum[9].answered, 1U);
  EXPECT_EQ(sum[9].errors, 0U);
}

TEST_F(StatisticsTest, CountsNumbersThatItHasNoPlaceForTogether) {
  statistics_.slot(1).count(4096, false);
  statistics_.slot(1).count(63, false);
  EXPECT_EQ(statistics_.sum()[63].answered, 2U);
}

TEST_F(StatisticsTest, GoesOnWithWhatAnEarlierProcessCounted) {
  statistics_.slot(2).count(1, true);
  const Statistics next(std::as_writable_bytes(std::span(memory_)));
  next.slot(2).count(1, false);
  EXPECT_EQ(next.sum()[1].answered, 2U);
  EXPECT_EQ(next.sum()[1].errors, 1U);
}

}  // namespace
}  // namespace cvfs
