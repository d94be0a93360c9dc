// The words of verdicts. That they are the kernel's is tests/cli/test_explain.sh's business.
#include "cli/access.h"

#include <gtest/gtest.h>
#include <linux/posix_acl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "cli/mount_table.h"

namespace cvfs {
namespace {

ShownFile file_of(mode_t mode) {
  ShownFile file;
  file.mode = mode;
  file.uid = 101000;
  file.gid = 100000;
  return file;
}

Asker asker_of(std::uint32_t uid, std::uint32_t gid) {
  Asker asker;
  asker.uid = uid;
  asker.gid = gid;
  asker.uids = asker.gids = parse_id_map("0:100000:65536", "map").value();
  return asker;
}

TEST(Access, NamesTheBitsThatDecide) {
  const ShownFile file = file_of(S_IFREG | 0640);
  EXPECT_EQ(may_access(file, asker_of(101000, 100000), W_OK).why,
            "the owner's bits of mode 0640 allow it");
  EXPECT_EQ(may_access(file, asker_of(102000, 100000), W_OK).why,
            "the group's bits of mode 0640 do not allow it");
  EXPECT_EQ(may_access(file, asker_of(102000, 102000), R_OK).why,
            "the others' bits of mode 0640 do not allow it");
}

TEST(Access, NamesTheMaskThatTakesAnEntryAway) {
  ShownFile file = file_of(S_IFREG | 0640);
  file.acl = {{ACL_USER_OBJ, 6, 0},
              {ACL_USER, 6, 102000},
              {ACL_GROUP_OBJ, 0, 0},
              {ACL_MASK, 4, 0},
              {ACL_OTHER, 0, 0}};
  const Verdict verdict = may_access(file, asker_of(102000, 102000), W_OK);
  EXPECT_EQ(verdict.why,
            "the ACL entry user:102000:rw- would, but the ACL's mask::r-- takes it away");
  EXPECT_EQ(verdict.cause, Cause::kBits);
  EXPECT_TRUE(may_access(file, asker_of(102000, 102000), R_OK).is_allowed);
}

TEST(Access, RootPassesOnlyWhereItsNamespaceHasTheOwner) {
  Asker root = asker_of(100000, 100000);
  root.overrides = true;
  ShownFile file = file_of(S_IFREG | 0);
  EXPECT_TRUE(may_access(file, root, W_OK).is_allowed);
  EXPECT_FALSE(may_access(file, root, X_OK).is_allowed);
  file.uid = kUnmappedId;
  EXPECT_EQ(may_access(file, root, W_OK).cause, Cause::kUnmapped);
  EXPECT_FALSE(may_access(file, root, R_OK).is_allowed);
}

TEST(MountTable, TheLastOfTheLongestIsTheOneThatIsSeen) {
  const auto mounts = parse_mountinfo(
      "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
      "2 1 0:53 /data /srv/a\\040b ro,nosuid - fuse.cvfs toto rw\n"
      "3 1 0:54 / /srv/a\\040b rw shared:1 - fuse.cvfs titi rw\n"
      "nonsense\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mount_of_path(mounts, "/srv/a b/x")->minor, 54U);
  EXPECT_EQ(mount_of_path(mounts, "/srv/a bc")->minor, 1U);
  EXPECT_EQ(path_on_mount(mounts[1], "/srv/a b/x"), "/data/x");
  EXPECT_EQ(path_on_mount(mounts[1], "/srv/a b"), "/data");
  EXPECT_EQ(path_on_mount(mounts[2], "/srv/a b"), "/");
  EXPECT_TRUE(mounts[1].has("ro"));
  EXPECT_FALSE(mounts[2].has("ro"));
}

}  // namespace
}  // namespace cvfs
