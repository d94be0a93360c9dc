#include "locks/held_ranges.h"

#include <gmock/gmock.h>

namespace cvfs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kRead = LockType::kRead;
constexpr auto kWrite = LockType::kWrite;
constexpr auto kNone = LockType::kNone;

HeldRange held(std::uint64_t first, std::uint64_t last, LockType type) {
  return {{first, last}, type, 0};
}

std::vector<HeldRange> after(std::initializer_list<HeldRange> changes) {
  std::vector<HeldRange> all;
  for (const HeldRange& change : changes) all = changed(all, change);
  return all;
}

TEST(HeldRanges, AnUnlockInTheMiddleLeavesBothEnds) {
  EXPECT_THAT(after({held(0, 99, kWrite), held(40, 59, kNone)}),
              ElementsAre(held(0, 39, kWrite), held(60, 99, kWrite)));
}

TEST(HeldRanges, ThoseThatTouchBecomeOne) {
  EXPECT_THAT(after({held(0, 9, kRead), held(20, 29, kRead), held(10, 19, kRead)}),
              ElementsAre(held(0, 29, kRead)));
}

TEST(HeldRanges, ThoseOfAnotherTypeStayApart) {
  EXPECT_THAT(after({held(0, 9, kRead), held(10, 19, kWrite)}),
              ElementsAre(held(0, 9, kRead), held(10, 19, kWrite)));
}

TEST(HeldRanges, AnUpgradeOfAPartSplits) {
  EXPECT_THAT(after({held(0, 99, kRead), held(40, 59, kWrite)}),
              ElementsAre(held(0, 39, kRead), held(40, 59, kWrite), held(60, 99, kRead)));
}

TEST(HeldRanges, AtBothEndsOfAFile) {
  constexpr std::uint64_t kEnd = LockRange::kEnd;
  EXPECT_THAT(after({held(0, kEnd, kWrite), held(0, 0, kNone), held(kEnd, kEnd, kNone)}),
              ElementsAre(held(1, kEnd - 1, kWrite)));
  EXPECT_THAT(after({held(kEnd, kEnd, kRead), held(0, kEnd - 1, kRead)}),
              ElementsAre(held(0, kEnd, kRead)));
  EXPECT_THAT(after({held(5, kEnd, kRead), held(0, kEnd, kNone)}), IsEmpty());
}

TEST(HeldRanges, WhatIsBetweenThem) {
  constexpr std::uint64_t kEnd = LockRange::kEnd;
  EXPECT_THAT(gaps_of({}), ElementsAre(LockRange{0, kEnd}));
  EXPECT_THAT(gaps_of({held(0, 9, kRead), held(10, 19, kWrite), held(30, 39, kRead)}),
              ElementsAre(LockRange{20, 29}, LockRange{40, kEnd}));
  EXPECT_THAT(gaps_of({held(5, kEnd, kRead)}), ElementsAre(LockRange{0, 4}));
  EXPECT_THAT(gaps_of({held(0, kEnd, kWrite)}), IsEmpty());
}

}  // namespace
}  // namespace cvfs
