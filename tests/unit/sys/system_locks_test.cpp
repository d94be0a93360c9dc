#include "sys/system_locks.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <sstream>

namespace cvfs::sys {
namespace {

TEST(SystemLocks, ReadsWhatTheKernelWrites) {
  std::istringstream lines(
      "1: POSIX  ADVISORY  WRITE 3568 fd:01:2531452 100 199\n"
      "1: -> POSIX  ADVISORY  READ 3570 fd:01:2531452 0 EOF\n"
      "2: OFDLCK ADVISORY  READ -1 00:2e:5 0 EOF\n"
      "3: FLOCK  ADVISORY  WRITE 12 fd:01:7 0 EOF\n"
      "4: LEASE  ACTIVE    READ 12 fd:01:7 0 EOF\n"
      "what is this\n\n");
  const auto locks = read_system_locks(lines);
  ASSERT_EQ(locks.size(), 4U);
  EXPECT_EQ(locks[0].kind, "POSIX");
  EXPECT_TRUE(locks[0].is_write);
  EXPECT_FALSE(locks[0].waits);
  EXPECT_EQ(locks[0].pid, 3568);
  EXPECT_EQ(locks[0].device, gnu_dev_makedev(0xfd, 1));
  EXPECT_EQ(locks[0].inode, 2531452U);
  EXPECT_EQ(locks[0].first, 100U);
  EXPECT_EQ(locks[0].last, 199U);
  EXPECT_TRUE(locks[1].waits);
  EXPECT_EQ(locks[1].last, static_cast<std::uint64_t>(INT64_MAX));
  EXPECT_EQ(locks[2].pid, -1);
  EXPECT_EQ(locks[3].kind, "FLOCK");
}

}  // namespace
}  // namespace cvfs::sys
