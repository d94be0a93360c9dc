#include "idmap/id_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "examples.h"

namespace cvfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint32_t kLastId = 0xFFFFFFFE;

OperatorError refusal(std::vector<IdRange> ranges) {
  const auto map = IdMap::make(std::move(ranges), "uidmap=X");
  return map ? OperatorError{} : map.error();
}

TEST(IdMap, TranslatesTheEndsOfOneRange) {
  const IdMap map = made({{0, 100000, 65536}});
  EXPECT_EQ(map.to_outside(0), 100000u);
  EXPECT_EQ(map.to_outside(65535), 165535u);
  EXPECT_EQ(map.to_outside(65536), std::nullopt);
  EXPECT_EQ(map.to_inside(100000), 0u);
  EXPECT_EQ(map.to_inside(165535), 65535u);
  EXPECT_EQ(map.to_inside(165536), std::nullopt);
  EXPECT_EQ(map.to_inside(99999), std::nullopt);
}

TEST(IdMap, TranslatesSeveralRangesThatAreSortedDifferentlyOnEachSide) {
  const IdMap map = made({{1, 100000, 65536}, {0, 1500, 1}, {70000, 5, 10}});
  EXPECT_EQ(map.to_outside(0), 1500u);
  EXPECT_EQ(map.to_outside(1), 100000u);
  EXPECT_EQ(map.to_outside(70009), 14u);
  EXPECT_EQ(map.to_outside(69999), std::nullopt);
  EXPECT_EQ(map.to_inside(1500), 0u);
  EXPECT_EQ(map.to_inside(1499), std::nullopt);
  EXPECT_EQ(map.to_inside(100000), 1u);
  EXPECT_EQ(map.to_inside(14), 70009u);
  EXPECT_THAT(map.ranges(),
              ElementsAre(IdRange{0, 1500, 1}, IdRange{1, 100000, 65536}, IdRange{70000, 5, 10}));
}

TEST(IdMap, SearchesManyRangesAsItScansFew) {
  // 340 is what the kernel allows for a uid_map; inside ascends while outside descends.
  for (const std::uint32_t count : {1u, 2u, 8u, 9u, 10u, 64u, 340u}) {
    std::vector<IdRange> ranges;
    for (std::uint32_t i = 0; i < count; ++i) ranges.push_back({i * 20, (count - i) * 1000, 10});
    const IdMap map = made(ranges);
    for (std::uint32_t id = 0; id < count * 20 + 20; ++id) {
      const std::uint32_t range = id / 20;
      const bool is_mapped = range < count && id % 20 < 10;
      const auto outside = map.to_outside(id);
      ASSERT_EQ(outside.has_value(), is_mapped) << count << " ranges, id " << id;
      if (!is_mapped) continue;
      ASSERT_EQ(*outside, (count - range) * 1000 + id % 20);
      ASSERT_EQ(map.to_inside(*outside), id);
    }
    EXPECT_EQ(map.to_inside(999), std::nullopt);
    EXPECT_EQ(map.to_inside(1010), std::nullopt);
    EXPECT_EQ(map.to_inside(kUnmappedId), std::nullopt);
  }
}

TEST(IdMap, IdentityMapsEveryIdButNoId) {
  const IdMap map = IdMap::identity();
  EXPECT_EQ(map.to_outside(0), 0u);
  EXPECT_EQ(map.to_inside(1234567), 1234567u);
  EXPECT_EQ(map.to_outside(kLastId), kLastId);
  EXPECT_EQ(map.to_outside(kUnmappedId), std::nullopt);
  EXPECT_EQ(map.to_inside(kUnmappedId), std::nullopt);
}

TEST(IdMap, ReachesTheLastIdOnBothSides) {
  const IdMap map = made({{kLastId, 7, 1}, {7, kLastId, 1}});
  EXPECT_EQ(map.to_outside(kLastId), 7u);
  EXPECT_EQ(map.to_outside(7), kLastId);
  EXPECT_EQ(map.to_outside(kUnmappedId), std::nullopt);
  EXPECT_EQ(map.to_outside(0), std::nullopt);
}

TEST(IdMap, RefusesNoRangeAtAll) {
  const OperatorError error = refusal({});
  EXPECT_EQ(error.object, "uidmap=X");
  EXPECT_EQ(error.what, "holds no range of ids");
  EXPECT_EQ(error.code, ExitCode::kMountFailed);
}

TEST(IdMap, RefusesACountOfZero) {
  EXPECT_EQ(refusal({{0, 100000, 0}}).what, "the range 0:100000:0 has a count of 0");
}

TEST(IdMap, RefusesRangesThatEndBehindTheLastId) {
  EXPECT_THAT(refusal({{kLastId, 0, 2}}).what, HasSubstr("ends behind the last id"));
  EXPECT_THAT(refusal({{0, kLastId, 2}}).what, HasSubstr("ends behind the last id"));
  EXPECT_THAT(refusal({{0, kUnmappedId, 1}}).what, HasSubstr("ends behind the last id"));
  EXPECT_THAT(refusal({{1, 0, kUnmappedId}}).what, HasSubstr("ends behind the last id"));
}

TEST(IdMap, RefusesRangesThatOverlapInside) {
  EXPECT_EQ(refusal({{1000, 1000, 1}, {0, 100000, 65536}}).what,
            "the ranges 0:100000:65536 and 1000:1000:1 overlap on the container's side");
  EXPECT_THAT(refusal({{5, 100, 1}, {5, 200, 1}}).what, HasSubstr("container's side"));
}

TEST(IdMap, RefusesRangesThatOverlapOutside) {
  EXPECT_EQ(refusal({{0, 100000, 65536}, {65536, 165535, 10}}).what,
            "the ranges 0:100000:65536 and 65536:165535:10 overlap on the host's side");
}

TEST(IdMap, AcceptsRangesThatTouch) {
  const IdMap map = made({{0, 100000, 10}, {10, 100010, 10}});
  EXPECT_EQ(map.to_outside(10), 100010u);
}

TEST(IdMap, IsEqualWhateverOrderItsRangesWereGivenIn) {
  EXPECT_EQ(made({{0, 5, 1}, {1, 9, 1}}), made({{1, 9, 1}, {0, 5, 1}}));
  EXPECT_NE(made({{0, 5, 1}}), made({{0, 6, 1}}));
}

TEST(IdMap, WritesTheTextThatItParses) {
  const std::string text = "0:100000:65536:65536:400000:10";
  const IdMap map = parse_id_map(text, "uidmap=" + text).value();
  EXPECT_EQ(map.text(), text);
  EXPECT_EQ(parse_id_map(IdMap::identity().text(), "test").value(), IdMap::identity());
}

TEST(ParseIdMap, RefusesWhatIsNoTripleOfNumbers) {
  for (const char* text :
       {"0", "0:1", "0:100000:1:", ":0:100000:1", "0:100000:1:2", "0:x:1", "0:-1:1", "0: 1:1",
        "+0:1:1", "0:4294967296:1", "0:0x10:1", "::", "@0:1:1"}) {
    const auto map = parse_id_map(text, "uidmap");
    ASSERT_FALSE(map) << text;
    EXPECT_EQ(map.error().object, "uidmap");
    EXPECT_THAT(map.error().hint, HasSubstr("CONTAINER:HOST:COUNT")) << text;
  }
}

TEST(ParseIdMap, NamesTheFieldThatIsNoNumber) {
  EXPECT_EQ(parse_id_map("0:a lot:1", "uidmap").error().what,
            "\"a lot\" is not a number of 0 to 4294967295");
}

TEST(ParseIdMap, RefusesNothing) {
  EXPECT_EQ(parse_id_map("", "uidmap").error().what, "holds no range of ids");
}

TEST(ParseProcIdMap, ReadsTheKernelsColumns) {
  const IdMap map = parse_proc_id_map(
                        "         0     100000      65536\n"
                        "     65536       1500          1\n",
                        "/proc/1/uid_map")
                        .value();
  EXPECT_EQ(map.text(), "0:100000:65536:65536:1500:1");
}

TEST(ParseProcIdMap, ReadsTheInitialNamespaceAsIdentity) {
  EXPECT_EQ(parse_proc_id_map("         0          0 4294967295\n", "test").value(),
            IdMap::identity());
}

TEST(ParseProcIdMap, RefusesTheEmptyMapOfANamespaceThatHasNoneYet) {
  const auto map = parse_proc_id_map("", "/proc/7/uid_map");
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().object, "/proc/7/uid_map");
}

}  // namespace
}  // namespace cvfs
