#include "idmap/subordinate_lines.h"

#include <gtest/gtest.h>

namespace cvfs {
namespace {

TEST(SubordinateLines, AreInTheFilesOrderAndMalformedOnesArePassedOver) {
  const auto lines = subordinate_lines("toto:10:5\n#x\n\n:1:2\ntiti:1:x\n1500:20:0\n1500:30:1");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].owner, "toto");
  EXPECT_EQ(lines[1].owner, "1500");
  EXPECT_EQ(lines[1].range, (SubordinateRange{30, 1}));
}

TEST(SubordinateLines, OverlapWhereTheyShareAnId) {
  EXPECT_TRUE(do_overlap({10, 5}, {14, 1}));
  EXPECT_FALSE(do_overlap({10, 5}, {15, 1}));
  EXPECT_TRUE(do_overlap({0, 4294967295}, {4294967294, 1}));
  EXPECT_TRUE(do_overlap({4294967294, 10}, {4294967295, 1}));
}

TEST(SubordinateLines, EachPairThatOverlapsIsFoundAlsoBehindALongOne) {
  const auto pairs =
      overlapping_lines(subordinate_lines("a:100:100\nb:110:1\nc:150:10\nd:200:1\ne:159:1\n"));
  std::string text;
  for (const auto& [left, right] : pairs) text += left.owner + right.owner + ' ';
  EXPECT_EQ(text, "ab ac ae ce ");
}

TEST(SubordinateLines, TheFirstGapIsTheLowestThatIsWideEnough) {
  EXPECT_EQ(first_gap({}, 100, 1000, 10), 100U);
  EXPECT_EQ(first_gap({{105, 1}, {90, 12}}, 100, 1000, 10), 106U);
  EXPECT_EQ(first_gap({{100, 10}, {115, 5}, {120, 10}}, 100, 1000, 5), 110U);
  EXPECT_EQ(first_gap({{100, 10}, {115, 5}}, 100, 1000, 6), 120U);
  EXPECT_EQ(first_gap({{100, 900}, {50, 10}}, 100, 1009, 10), 1000U);
  EXPECT_EQ(first_gap({{100, 900}}, 100, 1008, 10), std::nullopt);
  EXPECT_EQ(first_gap({{0, 4294967295}}, 100, 4294967294, 1), std::nullopt);
}

}  // namespace
}  // namespace cvfs
