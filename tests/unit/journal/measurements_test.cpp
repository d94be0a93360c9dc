#include "journal/measurements.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace cvfs {
namespace {

// As the state memory has it: whole pages of zeros.
class MeasurementsTest : public testing::Test {
 protected:
  MeasurementsTest() : memory_(std::aligned_alloc(4096, rounded()), std::free) {
    std::memset(memory_.get(), 0, rounded());
  }
  static std::size_t rounded() { return (Measurements::bytes() + 4095) / 4096 * 4096; }
  Measurements make() {
    return Measurements({static_cast<std::byte*>(memory_.get()), Measurements::bytes()});
  }

 private:
  std::unique_ptr<void, void (*)(void*)> memory_;
};

TEST_F(MeasurementsTest, ABucketHoldsWhatTookLessThanItsLimit) {
  EXPECT_EQ(LatencyHistogram::bucket_of(0), 0U);
  EXPECT_EQ(LatencyHistogram::bucket_of(999), 0U);
  EXPECT_EQ(LatencyHistogram::bucket_of(1'000), 1U);
  EXPECT_EQ(LatencyHistogram::bucket_of(1'999), 1U);
  EXPECT_EQ(LatencyHistogram::bucket_of(2'000), 2U);
  EXPECT_EQ(LatencyHistogram::bucket_of(3'600'000'000'000), LatencyHistogram::kBuckets - 1);
  for (const std::uint64_t ns : {1ULL, 1'000ULL, 77'000ULL, 1'000'000ULL, 3'000'000'000ULL}) {
    const std::size_t bucket = LatencyHistogram::bucket_of(ns);
    EXPECT_LT(static_cast<double>(ns) / 1e9, LatencyHistogram::limit_seconds(bucket));
    if (bucket > 0) {
      EXPECT_GE(static_cast<double>(ns) / 1e9, LatencyHistogram::limit_seconds(bucket - 1));
    }
  }
}

TEST_F(MeasurementsTest, ASlotGoesOnWithWhatAnEarlierProcessLeft) {
  make().slot(3).note_latency(9, 5'000);
  make().slot(3).note_latency(9, 6'000);
  make().slot(3).note_error(9, ENOENT);
  const LatencyHistogram& latency = make().slot(3).latency(9);
  EXPECT_EQ(latency.total_ns.get(), 11'000U);
  EXPECT_EQ(latency.buckets[3].get(), 2U);
  EXPECT_EQ(make().slot(3).errors(9, ENOENT), 1U);
  EXPECT_EQ(make().slot(4).latency(9).total_ns.get(), 0U);
}

TEST_F(MeasurementsTest, NumbersThatHaveNoPlaceShareTheLast) {
  RequestMeasures& slot = make().slot(0);
  slot.note_latency(4096, 1'000);
  slot.note_error(4096, 524);
  EXPECT_EQ(slot.latency(RequestMeasures::kOpcodes - 1).buckets[1].get(), 1U);
  EXPECT_EQ(slot.errors(RequestMeasures::kOpcodes - 1, RequestMeasures::kErrnos - 1), 1U);
}

TEST_F(MeasurementsTest, AThreadThatTakesAnothersPlaceCountsFromTheStart) {
  RequestMeasures& slot = make().slot(1);
  constexpr std::uint32_t kFirst = 7;
  constexpr std::uint32_t kSecond = kFirst + RequestMeasures::kCallers;
  for (int i = 0; i < 5; ++i) slot.note_caller(kFirst);
  EXPECT_EQ(slot.callers()[kFirst].requests.get(), 5U);
  slot.note_caller(kSecond);
  EXPECT_EQ(slot.callers()[kFirst].tid.get(), kSecond);
  EXPECT_EQ(slot.callers()[kFirst].requests.get(), 1U);
  slot.note_caller(0);  // nobody
  EXPECT_EQ(slot.callers()[0].requests.get(), 0U);
}

}  // namespace
}  // namespace cvfs
