#include "idmap/xattr_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "examples.h"

namespace cvfs {
namespace {

using Bytes = std::vector<std::byte>;

// Tags of linux/posix_acl.h.
constexpr std::uint16_t kUserObj = 1, kUser = 2, kGroupObj = 4, kGroup = 8, kMask = 16, kOther = 32;
constexpr std::uint32_t kNoId = 0xFFFFFFFF;

void append(Bytes& bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i, value >>= 8) bytes.push_back(std::byte(value & 0xFF));
}

struct Entry {
  std::uint16_t tag;
  std::uint16_t permissions;
  std::uint32_t id;
};

Bytes acl(const std::vector<Entry>& entries, std::uint32_t version = 2) {
  Bytes bytes;
  append(bytes, version, 4);
  for (const Entry& entry : entries) {
    append(bytes, entry.tag, 2);
    append(bytes, entry.permissions, 2);
    append(bytes, entry.id, 4);
  }
  return bytes;
}

// v2 without `rootid`, v3 with it; cap_net_bind_service permitted and effective.
Bytes capability_v2() {
  Bytes bytes;
  append(bytes, 0x02000001, 4);
  append(bytes, 1 << 10, 4);
  append(bytes, 0, 4);
  append(bytes, 0x8000, 4);
  append(bytes, 0x0102, 4);
  return bytes;
}

Bytes capability_v3(std::uint32_t rootid) {
  Bytes bytes = capability_v2();
  bytes[3] = std::byte{3};
  append(bytes, rootid, 4);
  return bytes;
}

Bytes as_bytes(const FileCapability& capability) {
  return {std::begin(capability.bytes), std::end(capability.bytes)};
}

TEST(AclToStored, RewritesNamedUsersAndGroupsOnly) {
  Bytes bytes = acl({{kUserObj, 7, kNoId},
                     {kUser, 6, 101000},
                     {kUser, 5, 100000},
                     {kGroupObj, 5, kNoId},
                     {kGroup, 4, 111000},
                     {kMask, 7, kNoId},
                     {kOther, 0, kNoId}});
  ASSERT_TRUE(translate_acl_to_stored(bytes, example()));
  EXPECT_EQ(bytes, acl({{kUserObj, 7, kNoId},
                        {kUser, 6, 200999},
                        {kUser, 5, 1500},
                        {kGroupObj, 5, kNoId},
                        {kGroup, 4, 300999},
                        {kMask, 7, kNoId},
                        {kOther, 0, kNoId}}));
}

TEST(AclToStored, TakesHostRootForContainerRoot) {
  Bytes bytes = acl({{kUser, 6, 0}, {kGroup, 6, 0}});
  ASSERT_TRUE(translate_acl_to_stored(bytes, example()));
  EXPECT_EQ(bytes, acl({{kUser, 6, 1500}, {kGroup, 6, 1600}}));
}

TEST(AclToStored, OverflowsForAnIdThatHasNoStoredId) {
  for (const Entry entry :
       {Entry{kUser, 6, 1500}, Entry{kGroup, 6, 100000}, Entry{kUser, 6, kNoId}}) {
    Bytes bytes = acl({{kUserObj, 7, kNoId}, entry});
    EXPECT_EQ(error_of(translate_acl_to_stored(bytes, example())), EOVERFLOW) << entry.id;
  }
}

TEST(AclToStored, LeavesTheIdsOfOtherEntriesAlone) {
  const Bytes before =
      acl({{kUserObj, 7, 77}, {kGroupObj, 5, 78}, {kMask, 7, 79}, {kOther, 0, 80}});
  Bytes bytes = before;
  ASSERT_TRUE(translate_acl_to_stored(bytes, example()));
  EXPECT_EQ(bytes, before);
}

TEST(AclToShown, IsTheWayBack) {
  const Bytes shown = acl({{kUserObj, 7, kNoId}, {kUser, 6, 101000}, {kGroup, 4, 110000}});
  Bytes bytes = shown;
  ASSERT_TRUE(translate_acl_to_stored(bytes, example()));
  ASSERT_NE(bytes, shown);
  ASSERT_TRUE(translate_acl_to_shown(bytes, example()));
  EXPECT_EQ(bytes, shown);
}

TEST(AclToShown, ShowsIdsOfOthersAsTheOverflowId) {
  Bytes bytes = acl({{kUser, 6, 1}, {kGroup, 6, 1500}, {kUser, 6, 1500}});
  ASSERT_TRUE(translate_acl_to_shown(bytes, example()));
  EXPECT_EQ(bytes, acl({{kUser, 6, 4294967294}, {kGroup, 6, 4294967294}, {kUser, 6, 100000}}));
}

TEST(Acl, IsRefusedUnlessItIsVersion2AndWhole) {
  const Bytes whole = acl({{kUserObj, 7, kNoId}, {kUser, 6, 101000}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const int expected = size % 8 == 4 ? 0 : EINVAL;
    EXPECT_EQ(error_of(translate_acl_to_stored(bytes, example())), expected) << size;
    EXPECT_EQ(error_of(translate_acl_to_shown(bytes, example())), expected) << size;
  }
  Bytes version_1 = acl({{kUserObj, 7, kNoId}}, 1);
  EXPECT_EQ(error_of(translate_acl_to_stored(version_1, example())), EINVAL);
  EXPECT_EQ(error_of(translate_acl_to_shown(version_1, example())), EINVAL);
}

TEST(CapabilityToStored, TranslatesTheRootidAndKeepsTheRest) {
  const auto stored = translate_capability_to_stored(capability_v3(100000), example());
  ASSERT_TRUE(stored);
  EXPECT_EQ(as_bytes(*stored), capability_v3(1500));
}

TEST(CapabilityToStored, TranslatesTheRootidOfANestedNamespace) {
  const auto stored = translate_capability_to_stored(capability_v3(101000), example());
  ASSERT_TRUE(stored);
  EXPECT_EQ(as_bytes(*stored), capability_v3(200999));
}

TEST(CapabilityToStored, NeverStoresVersion2) {
  const auto stored = translate_capability_to_stored(capability_v2(), example());
  ASSERT_TRUE(stored);
  EXPECT_EQ(as_bytes(*stored), capability_v3(1500));
}

TEST(CapabilityToStored, TakesHostRootForContainerRoot) {
  const auto stored = translate_capability_to_stored(capability_v3(0), example());
  ASSERT_TRUE(stored);
  EXPECT_EQ(as_bytes(*stored), capability_v3(1500));
}

TEST(CapabilityToStored, OverflowsForARootidThatHasNoStoredId) {
  EXPECT_EQ(error_of(translate_capability_to_stored(capability_v3(1500), example())), EOVERFLOW);
  EXPECT_EQ(error_of(translate_capability_to_stored(capability_v3(kNoId), example())), EOVERFLOW);
}

TEST(CapabilityToShown, IsTheWayBack) {
  const auto shown = translate_capability_to_shown(capability_v3(1500), example());
  ASSERT_TRUE(shown);
  EXPECT_EQ(as_bytes(*shown), capability_v3(100000));
}

TEST(CapabilityToShown, HidesWhatIsNotOfThisViewsContainers) {
  EXPECT_EQ(error_of(translate_capability_to_shown(capability_v2(), example())), ENODATA);
  EXPECT_EQ(error_of(translate_capability_to_shown(capability_v3(0), example())), ENODATA);
  EXPECT_EQ(error_of(translate_capability_to_shown(capability_v3(100000), example())), ENODATA);
  // Container id 65536, for which the user namespace has no host id.
  EXPECT_EQ(error_of(translate_capability_to_shown(capability_v3(265535), example())), ENODATA);
}

TEST(Capability, IsRefusedUnlessItIsVersion2Or3AndWhole) {
  Bytes version_1 = capability_v2();
  version_1[3] = std::byte{1};
  Bytes version_2_too_long = capability_v3(100000);
  version_2_too_long[3] = std::byte{2};
  Bytes version_3_too_short = capability_v2();
  version_3_too_short[3] = std::byte{3};
  Bytes version_4 = capability_v3(100000);
  version_4[3] = std::byte{4};
  Bytes longer = capability_v3(100000);
  longer.push_back(std::byte{0});
  for (const Bytes& bytes : {version_1, version_2_too_long, version_3_too_short, version_4, longer,
                             Bytes(), Bytes(4), Bytes(3, std::byte{2})}) {
    EXPECT_EQ(error_of(translate_capability_to_stored(bytes, example())), EINVAL);
    EXPECT_EQ(error_of(translate_capability_to_shown(bytes, example())), EINVAL);
  }
}

}  // namespace
}  // namespace cvfs
