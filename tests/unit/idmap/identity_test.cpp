#include "idmap/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "examples.h"

namespace cvfs {
namespace {

using ::testing::HasSubstr;

TEST(StoreMap, StoresContainerRootAsTheTenantAndOthersInItsRange) {
  EXPECT_EQ(toto().uids.text(), "0:1500:1:1:200000:65536");
  EXPECT_EQ(toto().gids.text(), "0:1600:1:1:300000:65536");
}

TEST(StoreMap, LaysSeveralRangesOutInOrder) {
  const auto map =
      StoreMap::make(kTotoUid, kTotoGid, {{{400000, 10}, {200000, 5}}, {{1, 2}}}, "toto");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->uids.text(), "0:1500:1:1:400000:10:11:200000:5");
  EXPECT_EQ(map->gids.text(), "0:1600:1:1:1:2");
}

TEST(StoreMap, RefusesARangeThatContainsRoot) {
  const auto uids = StoreMap::make(kTotoUid, kTotoGid, {{{1000, 501}}, {{300000, 1}}}, "toto");
  ASSERT_FALSE(uids);
  EXPECT_EQ(
      uids.error().message(),
      "toto: uid 1500, which stores container root, lies in the subordinate range 1000:501 of "
      "/etc/subuid\n  try: another range, or -o storeuid=ID outside of it");
  const auto gids = StoreMap::make(kTotoUid, kTotoGid, {{{200000, 1}}, {{1600, 1}}}, "toto");
  ASSERT_FALSE(gids);
  EXPECT_THAT(gids.error().message(), HasSubstr("gid 1600, which stores container root"));
  EXPECT_THAT(gids.error().message(), HasSubstr("-o storegid=ID"));
  EXPECT_TRUE(StoreMap::make(kTotoUid, kTotoGid, {{{1000, 500}, {1501, 1}}, {{1, 1}}}, "toto"));
}

TEST(StoreMap, RefusesRangesThatOverlap) {
  const auto map = StoreMap::make(kTotoUid, kTotoGid,
                                  {{{300000, 10}, {200000, 65536}, {265535, 3}}, {{1, 1}}}, "toto");
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().what,
            "the subordinate ranges 200000:65536 and 265535:3 of /etc/subuid overlap");
}

TEST(StoreMap, RefusesARangeThatEndsBehindTheLastId) {
  const auto map = StoreMap::make(kTotoUid, kTotoGid, {{{4294967000, 1000}}, {{1, 1}}}, "toto");
  ASSERT_FALSE(map);
  EXPECT_THAT(map.error().what, HasSubstr("ends behind the last id"));
}

TEST(StoreMap, HoldsNothingButRootWhereAllIsTheTenants) {
  const StoreMap map = StoreMap::only_root(kTotoUid, kTotoGid);
  EXPECT_EQ(map.uids.text(), "0:1500:1");
  EXPECT_EQ(map.gids.text(), "0:1600:1");
}

TEST(Identity, TranslatesContainerRoot) {
  const Identity identity = example();
  EXPECT_EQ(identity.container(HostUid{100000}), ContainerUid{0});
  EXPECT_EQ(identity.container(HostGid{110000}), ContainerGid{0});
  EXPECT_EQ(identity.stored(HostUid{100000}), kTotoUid);
  EXPECT_EQ(identity.stored(HostGid{110000}), kTotoGid);
  EXPECT_EQ(identity.shown(kTotoUid), HostUid{100000});
  EXPECT_EQ(identity.shown(kTotoGid), HostGid{110000});
}

TEST(Identity, TranslatesOtherContainerIds) {
  const Identity identity = example();
  EXPECT_EQ(identity.container(HostUid{101000}), ContainerUid{1000});
  EXPECT_EQ(identity.stored(ContainerUid{1000}), StoredUid{200999});
  EXPECT_EQ(identity.stored(ContainerGid{1000}), StoredGid{300999});
  EXPECT_EQ(identity.stored(HostUid{101000}), StoredUid{200999});
  EXPECT_EQ(identity.stored(HostGid{111000}), StoredGid{300999});
  EXPECT_EQ(identity.shown(ContainerUid{1000}), HostUid{101000});
  EXPECT_EQ(identity.shown(ContainerGid{1000}), HostGid{111000});
  EXPECT_EQ(identity.shown(StoredUid{200999}), HostUid{101000});
  EXPECT_EQ(identity.shown(StoredGid{300999}), HostGid{111000});
  EXPECT_EQ(identity.container(StoredUid{200999}), ContainerUid{1000});
  EXPECT_EQ(identity.container(StoredGid{300999}), ContainerGid{1000});
}

TEST(Identity, ShowsWhatItStoresForEveryContainerId) {
  const Identity identity = example();
  for (std::uint32_t id = 0; id < 65536; ++id) {
    const auto stored = identity.stored(ContainerUid{id});
    ASSERT_TRUE(stored) << id;
    ASSERT_EQ(identity.container(*stored), ContainerUid{id});
    ASSERT_EQ(identity.shown(*stored), identity.shown(ContainerUid{id}));
    ASSERT_EQ(identity.stored(identity.shown(*stored)), *stored);
  }
}

TEST(Identity, TakesHostRootOutsideTheMapForContainerRoot) {
  const Identity identity = example();
  EXPECT_EQ(identity.container(HostUid{0}), ContainerUid{0});
  EXPECT_EQ(identity.container(HostGid{0}), ContainerGid{0});
  EXPECT_EQ(identity.stored(HostUid{0}), kTotoUid);
  EXPECT_EQ(identity.stored(HostGid{0}), kTotoGid);
}

TEST(Identity, LeavesHostRootInsideTheMapWhatItIsThere) {
  const Identity identity({made({{5, 0, 1}, {0, 100000, 1}}), made({{6, 0, 1}}), "uidmap"}, toto());
  EXPECT_EQ(identity.container(HostUid{0}), ContainerUid{5});
  EXPECT_EQ(identity.container(HostGid{0}), ContainerGid{6});
  EXPECT_FALSE(identity.is_host_root_outside(HostUid{0}));
}

TEST(Identity, KnowsTheHostsRootOutsideTheMap) {
  EXPECT_TRUE(example().is_host_root_outside(HostUid{0}));
  EXPECT_FALSE(example().is_host_root_outside(HostUid{100000}));
  EXPECT_FALSE(example().is_host_root_outside(HostUid{1500}));
  EXPECT_FALSE(Identity(UserNamespaceMap{}, toto()).is_host_root_outside(HostUid{0}));
}

TEST(Identity, OverflowsForOtherHostIdsOutsideTheMap) {
  const Identity identity = example();
  for (const std::uint32_t id : {1u, 1500u, 99999u, 165536u, kUnmappedId}) {
    EXPECT_EQ(error_of(identity.container(HostUid{id})), EOVERFLOW) << id;
    EXPECT_EQ(error_of(identity.stored(HostUid{id})), EOVERFLOW) << id;
  }
  EXPECT_EQ(error_of(identity.container(HostGid{100000})), EOVERFLOW);
  EXPECT_EQ(error_of(identity.stored(HostGid{100000})), EOVERFLOW);
}

TEST(Identity, OverflowsForContainerIdsThatHaveNoStoredId) {
  const Identity identity(UserNamespaceMap{}, toto());
  EXPECT_EQ(identity.stored(ContainerUid{65536}), StoredUid{265535});
  EXPECT_EQ(error_of(identity.stored(ContainerUid{65537})), EOVERFLOW);
  EXPECT_EQ(error_of(identity.stored(ContainerGid{65537})), EOVERFLOW);
  EXPECT_EQ(error_of(identity.stored(HostUid{65537})), EOVERFLOW);
  EXPECT_EQ(error_of(identity.stored(HostGid{65537})), EOVERFLOW);
}

TEST(Identity, ShowsStoredIdsOfOthersAsUnmapped) {
  const Identity identity = example();
  for (const std::uint32_t id : {0u, 1000u, 1501u, 199999u, 265536u, kUnmappedId}) {
    EXPECT_EQ(identity.shown(StoredUid{id}), HostUid{kUnmappedId}) << id;
    EXPECT_EQ(identity.container(StoredUid{id}), std::nullopt) << id;
  }
  EXPECT_EQ(identity.shown(StoredGid{1500}), HostGid{kUnmappedId});
}

TEST(Identity, ShowsAsUnmappedWhatHasAContainerIdButNoHostId) {
  const Identity identity = example();  // the store holds 65537 ids, the user namespace 65536
  EXPECT_EQ(identity.container(StoredUid{265535}), ContainerUid{65536});
  EXPECT_EQ(identity.shown(StoredUid{265535}), HostUid{kUnmappedId});
  EXPECT_EQ(identity.shown(ContainerUid{65536}), HostUid{kUnmappedId});
  EXPECT_EQ(identity.shown(ContainerGid{65536}), HostGid{kUnmappedId});
}

TEST(Identity, NeverStoresAsHostRoot) {
  const Identity identity = example();
  for (std::uint32_t id = 0; id < 70000; ++id) {
    const auto stored = identity.stored(ContainerUid{id});
    ASSERT_TRUE(!stored || stored->value != 0) << id;
  }
}

TEST(Identity, StoresOnlyContainerRootUnderVirtualOwnership) {
  const Identity identity(dockremap(), StoreMap::only_root(kTotoUid, kTotoGid));
  EXPECT_EQ(identity.stored(ContainerUid{0}), kTotoUid);
  EXPECT_EQ(error_of(identity.stored(ContainerUid{1})), EOVERFLOW);
  EXPECT_EQ(identity.shown(ContainerUid{1000}), HostUid{101000});
}

}  // namespace
}  // namespace cvfs
