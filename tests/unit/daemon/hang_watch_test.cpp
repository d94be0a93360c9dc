#include "daemon/hang_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <semaphore>
#include <thread>

#include "fuse/handshake.h"
#include "sys/fuse_device.h"
#include "sys/process.h"
#include "worker_process.h"

namespace cvfs {

// Not in an anonymous namespace: the report is to name them.
[[gnu::noinline]] void wait_for_ever() {
  std::binary_semaphore never(0);
  never.acquire();
}

[[gnu::noinline]] void run_in_circles() {
  for (volatile unsigned rounds = 0;;) rounds = rounds + 1;
}

// As vfork(2) does while its child neither executes nor ends; SIGKILL ends this one.
int sleep_until_orphaned(void*) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) ::pause();
}

void wait_uninterruptibly() {
  alignas(16) static char stack[16384];
  ::clone(sleep_until_orphaned, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
}

namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::milliseconds kLimit(50);

class HangWatchTest : public testing::Test {
 protected:
  IntentRecord& record() {
    auto* records = reinterpret_cast<IntentRecord*>(state_.section(Section::kJournal).data());
    for (std::size_t i = 0; i < Journal::kSlots; ++i) {
      if (records[i].unique != 0) return records[i];
    }
    return records[0];
  }

  // Until the request is at hand for longer than the limit. False: it is not.
  bool becomes_late() {
    const std::uint64_t end = sys::monotonic_us() + 5'000'000;
    while (sys::monotonic_us() < end) {
      ::poll(nullptr, 0, 10);
      const IntentRecord& at_hand = record();
      if (at_hand.unique != 0 && sys::monotonic_us() > at_hand.begun_us + 100'000) return true;
    }
    return false;
  }

  // A worker whose serving thread does that to a request.
  template <class Deed>
  WorkerProcess worker_that(Deed deed) {
    return WorkerProcess(state_, [deed](Journal& journal) {
      std::jthread([&journal, deed] {
        JournalSlot slot(journal);
        (void)slot.begin(kUnique, kRename, kNode, false);
        deed();
        slot.end();
      }).join();
    });
  }

  StateMemory state_ = make_test_state();
  HangWatch watch_{state_, kLimit};
};

TEST_F(HangWatchTest, ReportsARequestThatWaitsForEver) {
  const WorkerProcess worker = worker_that(wait_for_ever);
  ASSERT_TRUE(becomes_late());
  const auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->replace);
  EXPECT_THAT(report->lines[0], AllOf(HasSubstr("RENAME of node 5 (request 1234) is at hand for"),
                                      HasSubstr("waits in system call")));
#ifndef __SANITIZE_THREAD__  // it hands signals on only where the thread waits for something
  EXPECT_THAT(report->lines, Contains(HasSubstr("cvfs::wait_for_ever()")));
#endif
  EXPECT_EQ(record().faults, 1U) << "one fault of this request";
}

TEST_F(HangWatchTest, ReportsItOnce) {
  const WorkerProcess worker = worker_that(wait_for_ever);
  ASSERT_TRUE(becomes_late());
  EXPECT_TRUE(watch_.check(worker.pid()));
  EXPECT_FALSE(watch_.check(worker.pid()));
  EXPECT_EQ(record().faults, 1U);
}

TEST_F(HangWatchTest, ReportsOneThatRunsInCircles) {
  const WorkerProcess worker = worker_that(run_in_circles);
  ASSERT_TRUE(becomes_late());
  auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  // On a busy machine it may not have run in the moment in which we looked.
  for (int i = 0; i < 50 && !report->replace; ++i) {
    if (auto later = watch_.check(worker.pid())) report = later;
  }
  EXPECT_TRUE(report->replace);
  EXPECT_THAT(report->lines[0], HasSubstr("it runs in circles"));
#ifndef __SANITIZE_THREAD__
  EXPECT_THAT(report->lines, Contains(HasSubstr("cvfs::run_in_circles()")));
#endif
}

TEST_F(HangWatchTest, OnlyReportsOneThatWaitsForData) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const WorkerProcess worker = worker_that([&reader] {
    char byte = 0;
    (void)!::read(reader.get(), &byte, 1);
  });
  ASSERT_TRUE(becomes_late());
  const auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->replace);
  EXPECT_THAT(report->lines, testing::ElementsAre(HasSubstr("it waits for data in system call")));
  EXPECT_EQ(record().faults, 0U);
}

TEST_F(HangWatchTest, OnlyReportsOneThatCannotBeInterrupted) {
  const WorkerProcess worker = worker_that(wait_uninterruptibly);
  ASSERT_TRUE(becomes_late());
  const auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->replace);
  EXPECT_THAT(report->lines, testing::ElementsAre(HasSubstr("it cannot be interrupted")));
}

TEST_F(HangWatchTest, DoesNotReplaceAWorkerThatCouldNotEnd) {
  const WorkerProcess worker(state_, [](Journal& journal) {
    std::jthread other([&journal] {
      JournalSlot slot(journal);
      (void)slot.begin(kUnique + 2, kRename, kNode, false);
      wait_uninterruptibly();
    });
    JournalSlot slot(journal);
    (void)slot.begin(kUnique, kRename, kNode, false);
    wait_for_ever();
  });
  ASSERT_TRUE(becomes_late());
  const auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->replace);
  EXPECT_THAT(report->lines, testing::SizeIs(2));
  EXPECT_THAT(report->lines, Contains(HasSubstr("another keeps the worker from ending")));
}

TEST_F(HangWatchTest, OnlyReportsOneThatIsStopped) {
  const WorkerProcess worker = worker_that(wait_for_ever);
  ASSERT_TRUE(becomes_late());
  ASSERT_EQ(::kill(worker.pid(), SIGSTOP), 0);
  ::poll(nullptr, 0, 50);
  const auto report = watch_.check(worker.pid());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->replace);
  ASSERT_EQ(::kill(worker.pid(), SIGCONT), 0);
  ::poll(nullptr, 0, 50);
  const auto later = watch_.check(worker.pid());
  ASSERT_TRUE(later) << "what seemed to go on hangs";
  EXPECT_TRUE(later->replace);
}

TEST_F(HangWatchTest, ReportsAnIdleWorkerThatStaysStopped) {
  const WorkerProcess worker(state_, [](Journal&) { wait_for_ever(); });
  const auto becomes = [&worker](int signal) {
    ::kill(worker.pid(), signal);
    ::poll(nullptr, 0, 50);
  };
  becomes(SIGSTOP);
  EXPECT_FALSE(watch_.find_stopped(worker.pid())) << "perhaps for a moment only";
  const auto line = watch_.find_stopped(worker.pid());
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("is stopped (state T)"));
  EXPECT_FALSE(watch_.find_stopped(worker.pid())) << "once";
  EXPECT_FALSE(watch_.check(worker.pid()));
  becomes(SIGCONT);
  EXPECT_FALSE(watch_.find_stopped(worker.pid()));
  becomes(SIGSTOP);
  EXPECT_FALSE(watch_.find_stopped(worker.pid()));
  EXPECT_TRUE(watch_.find_stopped(worker.pid())) << "another time";
}

// Nobody could end it, before or after: its system call ends when the server answers.
TEST_F(HangWatchTest, DoesNotReplaceAWorkerThatWaitsForAFuseFilesystem) {
  auto device = sys::open_fuse_device();
  if (!device || ::geteuid() != 0) GTEST_SKIP() << "no FUSE here";
  char directory[] = "/tmp/cvfs-hang-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const WorkerProcess worker(state_, [&](Journal& journal) {
    const bool is_mounted = ::unshare(CLONE_NEWNS) == 0 &&
                            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                            sys::mount_fuse(device->get(), "test", directory, 0, true) &&
                            answer_init(device->get(), {});
    device->reset();  // the test has it, too: without it the kernel answers
    if (!is_mounted) return;
    JournalSlot slot(journal);
    (void)slot.begin(kUnique, kRename, kNode, false);
    (void)::open(directory, O_RDONLY | O_DIRECTORY);
  });
  const bool is_late = becomes_late();
  const auto report = is_late ? watch_.check(worker.pid()) : std::nullopt;
  device->reset();  // before anything may fail: the worker could not be ended otherwise
  ::rmdir(directory);
  if (!is_late) GTEST_SKIP() << "no mounts here";
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->replace);
  EXPECT_THAT(report->lines, testing::ElementsAre(HasSubstr("the server of a FUSE filesystem")));
  EXPECT_EQ(record().faults, 0U);
}

TEST_F(HangWatchTest, SaysNothingOfWhatADeadWorkerLeft) {
  WorkerProcess worker = worker_that(wait_for_ever);
  ASSERT_TRUE(becomes_late());
  const pid_t pid = worker.pid();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  (void)worker.await_end();
  EXPECT_FALSE(watch_.check(pid));
  EXPECT_NE(record().unique, 0U);
}

TEST_F(HangWatchTest, SaysNothingOfAWorkerThatIsIdle) {
  const WorkerProcess worker(state_, [](Journal&) { wait_for_ever(); });
  EXPECT_FALSE(watch_.check(worker.pid()));
}

TEST_F(HangWatchTest, LooksTwiceInTheLimitsTimeOrNever) {
  EXPECT_EQ(watch_.timeout_ms(), 25);
  EXPECT_EQ(HangWatch(state_, std::chrono::minutes(2)).timeout_ms(), 60'000);
  EXPECT_EQ(HangWatch(state_, std::chrono::days(1)).timeout_ms(), 43'200'000);
  HangWatch never(state_, std::chrono::seconds(0));
  EXPECT_EQ(never.timeout_ms(), -1);
  const WorkerProcess worker = worker_that(wait_for_ever);
  ASSERT_TRUE(becomes_late());
  EXPECT_FALSE(never.check(worker.pid()));
}

}  // namespace
}  // namespace cvfs
