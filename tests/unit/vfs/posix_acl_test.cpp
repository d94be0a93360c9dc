#include "vfs/posix_acl.h"

#include <gtest/gtest.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <cstring>

namespace cvfs {
namespace {

std::vector<std::byte> bytes_of(const std::vector<AclEntry>& entries) {
  std::vector<std::byte> bytes(sizeof(posix_acl_xattr_header));
  const posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::memcpy(bytes.data(), &header, sizeof header);
  for (const AclEntry& entry : entries) {
    const posix_acl_xattr_entry raw{entry.tag, entry.perm, entry.id};
    const auto* begin = reinterpret_cast<const std::byte*>(&raw);
    bytes.insert(bytes.end(), begin, begin + sizeof raw);
  }
  return bytes;
}

PosixAcl acl_of(const std::vector<AclEntry>& entries) {
  return PosixAcl::parse(bytes_of(entries)).value();
}

constexpr std::uint32_t kNone = 0xFFFFFFFF;

// user::rw- user:1001:rwx group::r-x mask::rwx other::r--
std::vector<AclEntry> extended() {
  return {{ACL_USER_OBJ, 6, kNone},
          {ACL_USER, 7, 1001},
          {ACL_GROUP_OBJ, 5, kNone},
          {ACL_MASK, 7, kNone},
          {ACL_OTHER, 4, kNone}};
}
std::vector<AclEntry> minimal() {
  return {{ACL_USER_OBJ, 6, kNone}, {ACL_GROUP_OBJ, 5, kNone}, {ACL_OTHER, 4, kNone}};
}

TEST(PosixAcl, BytesComeBackAsTheyWere) {
  EXPECT_EQ(acl_of(extended()).bytes(), bytes_of(extended()));
}

TEST(PosixAcl, WhatIsNoneIsRefused) {
  EXPECT_FALSE(PosixAcl::parse({}));
  auto bytes = bytes_of(extended());
  bytes[0] = std::byte{1};
  EXPECT_FALSE(PosixAcl::parse(bytes));
  bytes = bytes_of(extended());
  bytes.pop_back();
  EXPECT_FALSE(PosixAcl::parse(bytes));
  for (std::size_t missing : {0U, 1U, 2U}) {
    auto entries = minimal();
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_FALSE(PosixAcl::parse(bytes_of(entries)));
  }
}

TEST(PosixAcl, TheMaskStandsForTheGroupInAMode) {
  EXPECT_EQ(acl_of(minimal()).permissions(), 0654U);
  EXPECT_TRUE(acl_of(minimal()).is_minimal());
  EXPECT_EQ(acl_of(extended()).permissions(), 0674U);
  EXPECT_EQ(acl_of(extended()).group_permissions(), 0050U);
  EXPECT_FALSE(acl_of(extended()).is_minimal());
}

TEST(PosixAcl, ChmodSetsTheMaskAndLeavesTheGroup) {
  PosixAcl acl = acl_of(extended());
  acl.set_permissions(0701);
  EXPECT_EQ(acl.permissions(), 0701U);
  EXPECT_EQ(acl.group_permissions(), 0050U);
  acl = acl_of(minimal());
  acl.set_permissions(0701);
  EXPECT_EQ(acl.group_permissions(), 0000U);
}

TEST(PosixAcl, InheritingTakesAwayWhatTheModeDoesNotHave) {
  PosixAcl acl = acl_of(extended());
  acl.inherit(0640);
  EXPECT_EQ(acl.permissions(), 0640U);
  EXPECT_EQ(acl.group_permissions(), 0050U);
  acl = acl_of(extended());
  acl.inherit(0777);
  EXPECT_EQ(acl.permissions(), 0674U);
}

}  // namespace
}  // namespace cvfs
