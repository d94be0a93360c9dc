#include "idmap/user_namespace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "scratch_files.h"

namespace cvfs {
namespace {

using ::testing::HasSubstr;

// In no machine's passwd.
constexpr char kGhost[] = "cvfs-ghost";
constexpr char kGhostUid[] = "3999999999";

// What a view with `userns` and these files gets.
class UserNamespace : public testing::Test {
 protected:
  Outcome<UserNamespaceMap> resolve(const UserNamespaceOptions& options) const {
    return resolve_user_namespace(options, scratch_.files());
  }
  Outcome<UserNamespaceMap> resolve_userns(const std::string& userns) const {
    return resolve({userns, "", ""});
  }
  // The message of a refusal; empty where there is none.
  std::string refusal(const UserNamespaceOptions& options) const {
    const auto map = resolve(options);
    return map ? std::string() : map.error().message();
  }
  void expect_host(const Outcome<UserNamespaceMap>& map) const {
    ASSERT_TRUE(map) << map.error().message();
    EXPECT_EQ(map->uids, IdMap::identity());
    EXPECT_EQ(map->gids, IdMap::identity());
    EXPECT_EQ(map->origin, "host");
  }
  void expect(const Outcome<UserNamespaceMap>& map, const std::string& uids,
              const std::string& gids, const std::string& origin) const {
    ASSERT_TRUE(map) << map.error().message();
    EXPECT_EQ(map->uids.text(), uids);
    EXPECT_EQ(map->gids.text(), gids);
    EXPECT_EQ(map->origin, origin);
  }
  void write_ranges(const std::string& owner, int uid_start, int gid_start) const {
    scratch_.write("subuid", owner + ":" + std::to_string(uid_start) + ":65536\n");
    scratch_.write("subgid", owner + ":" + std::to_string(gid_start) + ":65536\n");
  }
  void write_remap(const std::string& remap) const {
    scratch_.write("daemon.json", "{\"bridge\": \"none\", \"userns-remap\": \"" + remap + "\"}\n");
  }

  ScratchFiles scratch_;
};

using DockerUserNamespace = UserNamespace;

TEST_F(UserNamespace, IsIdentityForHost) {
  write_remap(kGhost);
  expect_host(resolve_userns("host"));
}

TEST_F(UserNamespace, TakesTheRangesOfANamedUser) {
  write_ranges("root", 100000, 200000);
  expect(resolve_userns("@root"), "0:100000:65536", "0:200000:65536", "@root");
}

TEST_F(UserNamespace, FindsTheLinesOfANamedUserByItsNumber) {
  write_ranges("0", 100000, 200000);
  expect(resolve_userns("@root"), "0:100000:65536", "0:200000:65536", "@root");
}

TEST_F(UserNamespace, FindsTheLinesOfANumberedUserByItsName) {
  write_ranges("root", 100000, 200000);
  expect(resolve_userns("@0"), "0:100000:65536", "0:200000:65536", "@0");
}

TEST_F(UserNamespace, TakesAUserThatOnlySubuidKnows) {
  write_ranges(kGhost, 100000, 200000);
  expect(resolve_userns(std::string("@") + kGhost), "0:100000:65536", "0:200000:65536",
         std::string("@") + kGhost);
  write_ranges(kGhostUid, 100000, 200000);
  expect(resolve_userns(std::string("@") + kGhostUid), "0:100000:65536", "0:200000:65536",
         std::string("@") + kGhostUid);
}

TEST_F(UserNamespace, LaysSeveralRangesOutInTheFilesOrder) {
  scratch_.write("subuid", "root:400000:1000\nroot:1000:1\nroot:100000:9\n");
  scratch_.write("subgid", "root:100000:65536\n");
  expect(resolve_userns("@root"), "0:400000:1000:1000:1000:1:1001:100000:9", "0:100000:65536",
         "@root");
}

TEST_F(UserNamespace, RefusesAnUnknownUser) {
  EXPECT_THAT(
      refusal({"@cvfs-ghost", "", ""}),
      HasSubstr("userns=@cvfs-ghost: no user \"cvfs-ghost\", and no subordinate ids for it"));
  EXPECT_THAT(refusal({"@", "", ""}), HasSubstr("names no user"));
}

TEST_F(UserNamespace, RefusesAUserWithoutRanges) {
  EXPECT_EQ(refusal({"@root", "", ""}),
            "userns=@root: no subordinate ids for uid 0 in " + scratch_.path("subuid") + " and " +
                scratch_.path("subgid") +
                "\n  try: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 root, or "
                "-o userns=host, or -o uidmap=0:HOST:COUNT");
}

TEST_F(UserNamespace, RefusesAUserWithoutGroupRanges) {
  scratch_.write("subuid", std::string(kGhost) + ":100000:65536\n");
  EXPECT_THAT(refusal({"@cvfs-ghost", "", ""}),
              HasSubstr("no subordinate ids for cvfs-ghost in " + scratch_.path("subgid") +
                        "\n  try: echo cvfs-ghost:100000:65536 >>" + scratch_.path("subgid")));
}

TEST_F(UserNamespace, RefusesRangesThatOverlap) {
  scratch_.write("subuid", "root:100000:65536\nroot:165535:10\n");
  scratch_.write("subgid", "root:100000:65536\n");
  EXPECT_THAT(refusal({"@root", "", ""}),
              HasSubstr(scratch_.path("subuid") + ", @root: the ranges"));
}

TEST_F(UserNamespace, TakesTheMapsOfAProcess) {
  scratch_.write("proc/4711/uid_map", "         0     100000      65536\n");
  scratch_.write("proc/4711/gid_map", "         0     200000      65536\n");
  expect(resolve_userns("pid:4711"), "0:100000:65536", "0:200000:65536", "pid:4711");
}

TEST_F(UserNamespace, ReadsTheMapsOfThisVeryProcess) {
  const auto map = resolve_user_namespace({"pid:" + std::to_string(::getpid()), "", ""});
  ASSERT_TRUE(map) << map.error().message();
  EXPECT_TRUE(map->uids.to_outside(::getuid()));
}

TEST_F(UserNamespace, RefusesAProcessThatIsNotThere) {
  EXPECT_EQ(refusal({"pid:4711", "", ""}),
            "userns=pid:4711: no such process\n  try: the PID of a process in the container");
}

TEST_F(UserNamespace, RefusesAProcessThatHasNoMapYet) {
  scratch_.write("proc/4711/uid_map", "");
  EXPECT_THAT(refusal({"pid:4711", "", ""}), HasSubstr("proc/4711/uid_map: holds no range"));
}

TEST_F(UserNamespace, RefusesWhatIsNoProcess) {
  for (const char* userns : {"pid:", "pid:0", "pid:-1", "pid:1x", "pid:../1", "pid:self"}) {
    EXPECT_THAT(refusal({userns, "", ""}), HasSubstr("is not the number of a process")) << userns;
  }
}

TEST_F(UserNamespace, RefusesWordsThatItDoesNotKnow) {
  for (const char* userns : {"private", "Host", "root", "auto ", "pid"}) {
    EXPECT_THAT(refusal({userns, "", ""}),
                HasSubstr(std::string("userns=") + userns + ": is no kind of user namespace"));
  }
}

TEST_F(UserNamespace, TakesExplicitMaps) {
  write_remap(kGhost);  // does not matter then
  expect(resolve({"", "0:100000:65536", "0:200000:10"}), "0:100000:65536", "0:200000:10", "uidmap");
  expect(resolve({"auto", "0:100000:65536", ""}), "0:100000:65536", "0:100000:65536", "uidmap");
}

TEST_F(UserNamespace, NamesTheExplicitMapThatItRefuses) {
  EXPECT_THAT(refusal({"", "0:100000:0", ""}), HasSubstr("uidmap=0:100000:0: the range"));
  EXPECT_THAT(refusal({"", "0:100000:1", "0:1"}), HasSubstr("gidmap=0:1: ranges consist of"));
}

TEST_F(UserNamespace, RefusesExplicitMapsBesideAnotherSource) {
  for (const char* userns : {"host", "@root", "pid:1", "nonsense"}) {
    EXPECT_THAT(refusal({userns, "0:100000:1", ""}), HasSubstr("excludes uidmap= and gidmap="));
    EXPECT_THAT(refusal({userns, "", "0:100000:1"}), HasSubstr("excludes uidmap= and gidmap="));
  }
}

TEST_F(UserNamespace, RefusesAGidmapAlone) {
  EXPECT_THAT(refusal({"", "", "0:100000:1"}), HasSubstr("gidmap=0:100000:1: needs a uidmap="));
}

TEST_F(DockerUserNamespace, IsHostWithoutADaemonJson) {
  expect_host(resolve_userns("auto"));
  expect_host(resolve_userns(""));
}

TEST_F(DockerUserNamespace, IsHostWhereDockerDoesNotRemap) {
  for (const char* contents :
       {"", " \n", "{}", "{\"bridge\": \"none\"}", "{\"userns-remap\": \"\"}"}) {
    scratch_.write("daemon.json", contents);
    expect_host(resolve_userns("auto"));
  }
}

TEST_F(DockerUserNamespace, IsDockremapsForDefault) {
  write_remap("default");
  write_ranges("dockremap", 100000, 200000);
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (dockremap)");
}

TEST_F(DockerUserNamespace, IsTheNamedUsers) {
  write_ranges(kGhost, 100000, 200000);
  write_remap(kGhost);
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (cvfs-ghost)");
  write_remap(std::string(kGhost) + ":some-group");
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (cvfs-ghost)");
}

TEST_F(DockerUserNamespace, LooksTheUserUpInSubgidAndNotTheGroup) {
  write_remap("cvfs-ghost:some-group");
  scratch_.write("subuid", "cvfs-ghost:100000:65536\n");
  scratch_.write("subgid", "some-group:300000:65536\ncvfs-ghost:200000:65536\n");
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (cvfs-ghost)");
}

TEST_F(DockerUserNamespace, IsTheNumberedUsers) {
  write_ranges(kGhostUid, 100000, 200000);
  write_remap(kGhostUid);
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (3999999999)");
  write_remap(std::string(kGhostUid) + ":7");
  expect(resolve_userns("auto"), "0:100000:65536", "0:200000:65536", "docker (3999999999)");
}

TEST_F(DockerUserNamespace, DoesNotSortRanges) {
  write_remap("default");
  scratch_.write("subuid", "dockremap:100000:1000\ndockremap:1000:1\n");
  scratch_.write("subgid", "dockremap:100000:1000\n");
  expect(resolve_userns("auto"), "0:100000:1000:1000:1000:1", "0:100000:1000",
         "docker (dockremap)");
}

TEST_F(DockerUserNamespace, IsHostForRootAsInDockerd) {
  write_ranges("root", 100000, 200000);
  for (const char* remap : {"root", "root:root", "0", "0:0"}) {
    write_remap(remap);
    expect_host(resolve_userns("auto"));
  }
}

TEST_F(DockerUserNamespace, IsRefusedWhereTheUserHasNoRanges) {
  write_remap("default");
  EXPECT_THAT(refusal({"auto", "", ""}),
              HasSubstr(scratch_.path("daemon.json") + ", userns-remap \"default\": no "));
  write_remap(":group");
  EXPECT_THAT(refusal({"auto", "", ""}), HasSubstr("userns-remap \":group\": names no user"));
}

TEST_F(DockerUserNamespace, IsRefusedWhereDaemonJsonIsNoJson) {
  for (const char* contents :
       {"{", "[]", "\"default\"", "{\"a\": 1,}", "userns-remap: default", "\xff"}) {
    scratch_.write("daemon.json", contents);
    EXPECT_THAT(refusal({"", "", ""}),
                HasSubstr(scratch_.path("daemon.json") + ": is not a JSON object"))
        << contents;
  }
}

TEST_F(DockerUserNamespace, IsRefusedWhereUsernsRemapIsNoString) {
  for (const char* value : {"true", "1", "null", "[\"default\"]", "{}"}) {
    scratch_.write("daemon.json", std::string("{\"userns-remap\": ") + value + "}");
    EXPECT_THAT(refusal({"", "", ""}), HasSubstr("\"userns-remap\" is not a string")) << value;
  }
}

}  // namespace
}  // namespace cvfs
