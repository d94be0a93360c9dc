#include "idmap/subordinate_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/ids.h"
#include "scratch_files.h"

namespace cvfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SubordinateRanges, FindsAUsersOnlyRange) {
  EXPECT_THAT(subordinate_ranges("dockremap:100000:65536\ntoto:200000:65536\n", "toto", 1500),
              ElementsAre(SubordinateRange{200000, 65536}));
}

TEST(SubordinateRanges, KeepsTheFilesOrderOfLinesByNameAndByNumber) {
  EXPECT_THAT(subordinate_ranges("toto:400000:10\n1500:200000:20\ntoto:100:1\n", "toto", 1500),
              ElementsAre(SubordinateRange{400000, 10}, SubordinateRange{200000, 20},
                          SubordinateRange{100, 1}));
}

TEST(SubordinateRanges, ReadsALastLineWithoutItsEnd) {
  EXPECT_THAT(subordinate_ranges("toto:200000:65536", "toto", 1500),
              ElementsAre(SubordinateRange{200000, 65536}));
}

TEST(SubordinateRanges, PassesOverMalformedLines) {
  for (const char* line : {"toto", "toto:", "toto:1", "toto:1:", "toto::1", "toto:1:2:3",
                           "toto:x:1", "toto:1:x", "toto:-1:1", "toto:1:0", "toto:4294967296:1",
                           "toto:1 :1", "#toto:1:1", ":1:1", "", ":::"}) {
    EXPECT_THAT(subordinate_ranges(std::string(line) + "\n", "toto", 1500), IsEmpty()) << line;
    EXPECT_THAT(subordinate_ranges(std::string(line) + "\ntoto:5:6\n", "toto", 1500),
                ElementsAre(SubordinateRange{5, 6}))
        << line;
  }
}

TEST(SubordinateRanges, PassesOverTheSpaceAroundALine) {
  EXPECT_THAT(subordinate_ranges("  toto:200000:65536 \r\n", "toto", 1500),
              ElementsAre(SubordinateRange{200000, 65536}));
}

TEST(SubordinateRanges, TellsUsersWithAlikeNamesApart) {
  EXPECT_THAT(
      subordinate_ranges("totoro:1:1\ntot:2:1\n15001:3:1\n150:4:1\nTOTO:5:1\n", "toto", 1500),
      IsEmpty());
}

TEST(SubordinateRanges, KnowsAUserWithoutANumberByNameOnly) {
  EXPECT_THAT(subordinate_ranges("4294967295:1:1\nghost:200000:65536\n", "ghost", kUnmappedId),
              ElementsAre(SubordinateRange{200000, 65536}));
}

TEST(LayOut, PutsRangesOneBehindTheOther) {
  EXPECT_THAT(lay_out({{400000, 10}, {100, 5}}, 1),
              ElementsAre(IdRange{1, 400000, 10}, IdRange{11, 100, 5}));
  EXPECT_THAT(lay_out({}, 0), IsEmpty());
}

TEST(ReadSubordinateIds, ReadsBothFilesByTheUsersName) {
  const ScratchFiles scratch;
  scratch.write("subuid", "toto:200000:65536\n");
  scratch.write("subgid", "1500:300000:65536\n");
  const auto ids = read_subordinate_ids("toto", 1500, scratch.files());
  ASSERT_TRUE(ids);
  EXPECT_TRUE(ids->complete());
  EXPECT_THAT(ids->uids, ElementsAre(SubordinateRange{200000, 65536}));
  EXPECT_THAT(ids->gids, ElementsAre(SubordinateRange{300000, 65536}));
}

TEST(ReadSubordinateIds, FindsNothingInFilesThatDoNotExist) {
  const ScratchFiles scratch;
  const auto ids = read_subordinate_ids("toto", 1500, scratch.files());
  ASSERT_TRUE(ids);
  EXPECT_FALSE(ids->complete());
  EXPECT_THAT(ids->uids, IsEmpty());
  EXPECT_THAT(ids->gids, IsEmpty());
}

TEST(ReadSubordinateIds, IsIncompleteWithOneKindOnly) {
  const ScratchFiles scratch;
  scratch.write("subuid", "toto:200000:65536\n");
  EXPECT_FALSE(read_subordinate_ids("toto", 1500, scratch.files())->complete());
}

TEST(ReadSubordinateIds, RefusesAFileThatCannotBeRead) {
  const ScratchFiles scratch;
  std::filesystem::create_directory(
      scratch.path("subgid"));  // root reads any file, but no directory
  const auto ids = read_subordinate_ids("toto", 1500, scratch.files());
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().object, scratch.path("subgid"));
  EXPECT_EQ(ids.error().what, "cannot be read: Is a directory");
}

TEST(ReadSubordinateIds, ReadsFilesLongerThanAnyBuffer) {
  const ScratchFiles scratch;
  std::string contents;
  for (int i = 0; i < 20000; ++i) contents += "user" + std::to_string(i) + ":1:1\n";
  scratch.write("subuid", contents + "toto:200000:65536\n");
  EXPECT_THAT(read_subordinate_ids("toto", 1500, scratch.files())->uids,
              ElementsAre(SubordinateRange{200000, 65536}));
}

TEST(MissingSubordinateIds, SuggestsARangeThatNoLineHas) {
  const ScratchFiles scratch;
  scratch.write("subuid", "dockremap:100000:100000\nsomebody:1000:5\n");
  scratch.write("subgid", "toto:300000:65536\n");
  const SubordinateIds ids{{}, {{300000, 65536}}};
  const OperatorError error =
      missing_subordinate_ids(ids, "toto", "toto", 1500, "-o owner=virtual", scratch.files());
  EXPECT_EQ(error.message(), "toto: no subordinate ids for uid 1500 in " + scratch.path("subuid") +
                                 "\n  try: usermod --add-subuids 200000-265535 toto, or "
                                 "-o owner=virtual");
}

TEST(MissingSubordinateIds, NamesBothFilesWhereBothLackALine) {
  const ScratchFiles scratch;
  const OperatorError error =
      missing_subordinate_ids({}, "toto", "toto", 1500, "", scratch.files());
  EXPECT_EQ(error.what, "no subordinate ids for uid 1500 in " + scratch.path("subuid") + " and " +
                            scratch.path("subgid"));
  EXPECT_EQ(error.hint, "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 toto");
}

TEST(MissingSubordinateIds, WritesTheLineForAUserThatUsermodDoesNotKnow) {
  const ScratchFiles scratch;
  const OperatorError error = missing_subordinate_ids({{{1, 1}}, {}}, "userns=@ghost", "ghost",
                                                      kUnmappedId, "", scratch.files());
  EXPECT_EQ(error.what, "no subordinate ids for ghost in " + scratch.path("subgid"));
  EXPECT_EQ(error.hint, "echo ghost:100000:65536 >>" + scratch.path("subgid"));
}

TEST(MissingSubordinateIds, LeavesTheRangeOpenWhereNoneFollowsTheLast) {
  const ScratchFiles scratch;
  scratch.write("subuid", "somebody:4294900000:60000\n");
  const OperatorError error =
      missing_subordinate_ids({{}, {{1, 1}}}, "toto", "toto", 1500, "", scratch.files());
  EXPECT_EQ(error.hint, "usermod --add-subuids FIRST-LAST toto");
}

}  // namespace
}  // namespace cvfs
