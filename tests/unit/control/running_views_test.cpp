#include "control/running_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cvfs {
namespace {

using testing::ElementsAre;

TEST(RunningViews, OnlyMountsOfCvfsAreViews) {
  const auto views = views_in_mountinfo(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "36 22 0:53 / /srv/toto rw,nosuid,nodev shared:7 master:2 - fuse.cvfs toto rw,user_id=0\n"
      "37 22 0:54 / /srv/sshfs rw - fuse.sshfs toto rw\n"
      "38 22 0:55 / /srv/titi ro - fuse.cvfs titi:/data rw\n");
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].id, 53U);
  EXPECT_EQ(views[0].source, "toto");
  EXPECT_THAT(views[0].targets, ElementsAre("/srv/toto"));
  EXPECT_FALSE(views[0].has_socket);
  EXPECT_EQ(views[1].id, 55U);
  EXPECT_EQ(views[1].source, "titi:/data");
}

TEST(RunningViews, OctalEscapesAreResolvedOnce) {
  const auto views = views_in_mountinfo(
      "36 22 0:53 / /srv/a\\040b\\011c\\134040\\012 rw - fuse.cvfs toto:/x\\040y rw\n"
      "37 22 0:54 / /srv/\\04 rw - fuse.cvfs a\\9b\\ rw\n");
  ASSERT_EQ(views.size(), 2U);
  EXPECT_THAT(views[0].targets, ElementsAre("/srv/a b\tc\\040\n"));
  EXPECT_EQ(views[0].source, "toto:/x y");
  EXPECT_THAT(views[1].targets, ElementsAre("/srv/\\04"));
  EXPECT_EQ(views[1].source, "a\\9b\\");
}

TEST(RunningViews, AViewThatIsBoundElsewhereIsOneView) {
  const auto views = views_in_mountinfo(
      "40 22 0:53 /data /var/lib/docker/x rw - fuse.cvfs toto rw\n"
      "41 22 0:53 / /srv/toto rw - fuse.cvfs toto rw\n"
      "42 22 0:53 / /mnt/second rw - fuse.cvfs toto rw\n");
  ASSERT_EQ(views.size(), 1U);
  EXPECT_THAT(views[0].targets, ElementsAre("/srv/toto", "/mnt/second", "/var/lib/docker/x"));
}

TEST(RunningViews, LinesThatCannotBeReadArePassedOver) {
  for (const char* line : {"", "\n\n", " - ", "x - fuse.cvfs", "1 2 3 4 5 6 - fuse.cvfs toto",
                           "36 22 0:x / /srv rw - fuse.cvfs toto", "36 22 0:53 / - fuse.cvfs toto",
                           "36 22 0:99999999999 / /srv rw - fuse.cvfs toto",
                           "36 22 0:53 / /srv rw shared:1 fuse.cvfs toto"}) {
    EXPECT_TRUE(views_in_mountinfo(line).empty()) << line;
  }
}

TEST(RunningViews, TheSocketIsNamedByTheNumber) {
  EXPECT_EQ(control_socket_of(53), "/run/cvfs/53.sock");
}

}  // namespace
}  // namespace cvfs
