#include "daemon/fault_report.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "sys/signal_stack.h"
#include "worker_process.h"

namespace cvfs {

// Not in an anonymous namespace: the report is to name them.
[[gnu::noinline]] void write_to_nowhere() {
  volatile std::uintptr_t nowhere = 64;
  *reinterpret_cast<volatile int*>(nowhere) = 0;
}

[[gnu::noinline]] unsigned recurse(unsigned depth) {
  if (depth == ~0U) return 0;
  volatile char room[4096] = {};
  room[depth % sizeof room] = 1;
  return recurse(depth + 1) + static_cast<unsigned char>(room[0]);
}

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

// Without lines if there is none.
template <class Work>
FaultReport report_of(const StateMemory& state, int expected_signal, Work work) {
  WorkerProcess worker(state, [&](Journal& journal) {
    JournalSlot slot(journal);
    (void)slot.begin(kUnique, kRename, kNode, false);
    work();
  });
  const int status = worker.await_end();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), expected_signal);
  return take_fault(state).value_or(FaultReport{});
}

TEST(FaultReport, SaysSignalAddressRequestAndStack) {
#ifdef CVFS_TEST_SANITIZED
  GTEST_SKIP() << "the sanitizer handles it";
#endif
  const StateMemory state = make_test_state();
  const auto [lines, request] = report_of(state, SIGSEGV, write_to_nowhere);
  EXPECT_EQ(request, kUnique);
  ASSERT_THAT(lines, Not(IsEmpty()));
  EXPECT_THAT(lines[0], MatchesRegex("worker [0-9]+ died of SIGSEGV at 0x40 \\(code 1\\) in RENAME "
                                     "of node 5 \\(request 1234\\)"));
  ASSERT_GT(lines.size(), 2U);
  EXPECT_THAT(lines[1],
              MatchesRegex("#0 cvfs::write_to_nowhere\\(\\)\\+0x[0-9a-f]+ \\(unit_daemon\\+0x.*"));
}

TEST(FaultReport, IsTakenOnce) {
  const StateMemory state = make_test_state();
  EXPECT_FALSE(take_fault(state));
  EXPECT_THAT(report_of(state, SIGABRT, [] { std::abort(); }).lines, Not(IsEmpty()));
  EXPECT_FALSE(take_fault(state));
}

TEST(FaultReport, SaysThatAnAbortIsItsOwn) {
  const StateMemory state = make_test_state();
  const auto lines = report_of(state, SIGABRT, [] { std::abort(); }).lines;
  ASSERT_THAT(lines, Not(IsEmpty()));
  EXPECT_THAT(lines[0], HasSubstr("died of SIGABRT that it sent itself in RENAME of node 5"));
  EXPECT_THAT(lines, Contains(HasSubstr("abort")));
}

TEST(FaultReport, SurvivesAStackThatIsFull) {
#ifdef CVFS_TEST_SANITIZED
  GTEST_SKIP() << "the sanitizer handles it";
#endif
  const StateMemory state = make_test_state();
  const auto lines = report_of(state, SIGSEGV, [] { (void)recurse(0); }).lines;
  EXPECT_THAT(lines, SizeIs(1 + kMaxFrames));
  EXPECT_THAT(lines, Contains(HasSubstr("cvfs::recurse")));
}

TEST(FaultReport, OfTwoThreadsThatFaultAtOnceTellsOne) {
  const StateMemory state = make_test_state();
  const auto lines = report_of(state, SIGABRT, [] {
                       std::jthread other([] {
                         const sys::SignalStack stack;
                         std::abort();
                       });
                       std::abort();
                     }).lines;
  ASSERT_THAT(lines, Not(IsEmpty()));
  EXPECT_THAT(lines[0], HasSubstr("SIGABRT"));
}

TEST(FaultReport, IsNothingAfterASigkill) {
  const StateMemory state = make_test_state();
  EXPECT_THAT(report_of(state, SIGKILL, [] { ::kill(::getpid(), SIGKILL); }).lines, IsEmpty());
}

}  // namespace
}  // namespace cvfs
