#include "sys/system_locks.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sstream>

#include "base/unique_fd.h"
#include "sys/file_lock.h"

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

TEST(SystemLocks, TellsWhatADescriptorAndAProcessHold) {
  std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
  const UniqueFd fd(::mkstemp(path.data()));
  EXPECT_TRUE(locks_of_descriptor(fd.get()).empty());
  ASSERT_EQ(::flock(fd.get(), LOCK_EX), 0);
  ASSERT_TRUE(lock_range(fd.get(), LockMode::kShared, 5, 9));
  const auto locks = locks_of_descriptor(fd.get());
  ASSERT_EQ(locks.size(), 2U);
  EXPECT_EQ(locks[0].kind, "FLOCK");
  EXPECT_EQ(locks[0].pid, ::getpid());
  EXPECT_EQ(locks[1].kind, "OFDLCK");
  EXPECT_EQ(locks[1].last, 9U);
  const auto now = std::chrono::steady_clock::now();
  const auto files = locked_files_of(::getpid(), now + std::chrono::seconds(10));
  ASSERT_TRUE(files.contains({locks[0].device, locks[0].inode}));
  EXPECT_EQ(files.at({locks[0].device, locks[0].inode}), path);
  EXPECT_TRUE(locked_files_of(::getpid(), now).empty()) << "there was no time left";
  ::unlink(path.c_str());
}

TEST(SystemLocks, AreTheFirstOnly) {
  std::istringstream lines(
      "1: FLOCK  ADVISORY  WRITE 12 fd:01:7 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 13 fd:01:8 0 EOF\n");
  EXPECT_EQ(read_system_locks(lines, 1).size(), 1U);
}

}  // namespace
}  // namespace cvfs::sys
