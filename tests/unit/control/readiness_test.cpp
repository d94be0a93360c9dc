#include "control/readiness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace cvfs {
namespace {

class Readiness : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
  }

  UniqueFd reader_;
  UniqueFd writer_;
};

TEST_F(Readiness, AViewThatServesIsReportedWithoutClosingThePipe) {
  report_ready(writer_.get());
  EXPECT_TRUE(await_readiness(reader_.get()));
  EXPECT_NE(::fcntl(writer_.get(), F_GETFD), -1);
}

TEST_F(Readiness, ARefusalArrivesWithItsCodeAndItsWholeMessage) {
  const OperatorError sent{ExitCode::kSystem, "/dev/fuse", "no such device", "modprobe fuse"};
  report_refusal(writer_.get(), sent);
  const auto received = await_readiness(reader_.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ExitCode::kSystem);
  EXPECT_EQ(received.error().message(), sent.message());
}

TEST_F(Readiness, AMessageThatIsTooLongIsCutAndNeverBlocks) {
  const OperatorError sent{ExitCode::kUsage, std::string(100'000, 'x'), "no such option", ""};
  report_refusal(writer_.get(), sent);
  const auto received = await_readiness(reader_.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().message(), std::string(PIPE_BUF - 1, 'x'));
}

TEST_F(Readiness, APipeThatClosesWithoutAMessageIsADefectOfCvfsd) {
  writer_.reset();
  const auto received = await_readiness(reader_.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ExitCode::kInternal);
}

TEST_F(Readiness, WaitingLastsUntilTheMessageComes) {
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    report_ready(writer_.get());
  });
  EXPECT_TRUE(await_readiness(reader_.get()));
  sender.join();
}

// mount.cvfs was killed in the meantime: its view is to live on all the same.
TEST_F(Readiness, NobodyListeningDoesNotEndCvfsd) {
  reader_.reset();
  report_ready(writer_.get());
  report_refusal(writer_.get(), {});
}

}  // namespace
}  // namespace cvfs
