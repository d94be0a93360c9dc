#include "sys/detached_call.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "sys/process.h"

namespace cvfs::sys {
namespace {

void read_byte(void* pipe_end) {
  char byte = 0;
  (void)!::read(*static_cast<int*>(pipe_end), &byte, 1);
}

TEST(DetachedCall, SharesMemoryAndDescriptors) {
  DetachedCall call;
  int count = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(call.start([](void* number) { ++*static_cast<int*>(number); }, &count));
    ASSERT_TRUE(call.await(5000));
  }
  EXPECT_EQ(count, 3);
}

TEST(DetachedCall, SaysThatItStillRuns) {
#ifdef CVFS_SANITIZED
  GTEST_SKIP() << "a sanitizer's call does not run apart";
#endif
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  DetachedCall call;
  ASSERT_TRUE(call.start(read_byte, &ends[0]));
  EXPECT_FALSE(call.await(20));
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_TRUE(call.await(5000));
  UniqueFd{ends[0]};
  UniqueFd{ends[1]};
}

// What it is for: nobody who waits for the process' end waits for the call.
TEST(DetachedCall, DoesNotKeepItsProcessFromEnding) {
#ifdef CVFS_SANITIZED
  GTEST_SKIP() << "a sanitizer's call does not run apart";
#endif
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto* call = new DetachedCall;
    (void)call->start(read_byte, &ends[0]);
    (void)call->await(10);
    ::_exit(42);
  }
  const auto pidfd = open_pidfd(child);
  ASSERT_TRUE(pidfd);
  const auto end = await_end(pidfd->get(), 5000);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->text(), "exit code 42");
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  UniqueFd{ends[0]};
  UniqueFd{ends[1]};
}

}  // namespace
}  // namespace cvfs::sys
