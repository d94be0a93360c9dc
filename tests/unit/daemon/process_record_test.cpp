#include "daemon/process_record.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <memory>

namespace cvfs {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(ProcessRecord, GivesItsDescriptorAwayAndHasNone) {
  const auto record = std::make_unique<ProcessRecord>();
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  record->pid = 1;
  record->pidfd = fd;
  {
    const UniqueFd taken = take_pidfd(*record);
    EXPECT_EQ(taken.get(), fd);
    EXPECT_FALSE(is_recorded(*record));
    EXPECT_EQ(record->pid, 0);
  }
  EXPECT_FALSE(is_open(fd));
}

// A pidfd would get its number, and mean that there is none.
TEST(ProcessRecord, WithoutAProcessDescriptorZeroStaysOpen) {
  ASSERT_TRUE(is_open(STDIN_FILENO));
  const auto record = std::make_unique<ProcessRecord>();
  EXPECT_FALSE(take_pidfd(*record));
  forget_process(*record);
  EXPECT_TRUE(is_open(STDIN_FILENO));
}

// Who starts a process dies before the kernel has noted its pid.
TEST(ProcessRecord, WithoutAProcessSaysNothing) {
  const auto record = std::make_unique<ProcessRecord>();
  const UniqueFd somebodys(::eventfd(0, EFD_CLOEXEC));
  record->pidfd = somebodys.get();
  EXPECT_FALSE(is_recorded(*record));
  end_process(*record);
  forget_process(*record);
  EXPECT_TRUE(is_open(somebodys.get()));
  EXPECT_EQ(record->pidfd, 0);
}

}  // namespace
}  // namespace cvfs
