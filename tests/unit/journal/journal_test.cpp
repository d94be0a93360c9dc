#include "journal/journal.h"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <span>

#include "sys/process.h"
#include "sys/shared_memory.h"

namespace cvfs {
namespace {

constexpr std::uint64_t kUnique = 42;
constexpr std::uint32_t kOpcode = 9;
constexpr std::uint64_t kNode = 7;

class JournalTest : public testing::Test {
 protected:
  Journal open() { return Journal(bytes_); }

  // One try of a request: `executed` counts how often the change is made.
  Result<void> attempt(Journal& journal, bool resent, bool was_made, int result, int& executed) {
    JournalSlot slot(journal);
    Intent intent = slot.begin(kUnique, kOpcode, kNode, resent);
    return exactly_once(
        intent,
        [&]() -> Result<void> {
          ++executed;
          if (result != 0) return fail(result);
          return {};
        },
        [&] { return was_made; });
  }

  // A process that dies at a stage of the request: its slot stays as it is.
  void die_at(Stage stage, int error = 0) {
    dead_.journal = std::make_unique<Journal>(bytes_);
    dead_.slot = std::make_unique<JournalSlot>(*dead_.journal);
    Intent intent = dead_.slot->begin(kUnique, kOpcode, kNode, false);
    if (stage != Stage::kReceived) intent.plan();
    if (stage == Stage::kDone) intent.done(Errno{error});
    dead_.intent = intent;
  }

  sys::SharedMemory memory_ =
      std::move(*sys::SharedMemory::create("cvfs-test-journal", Journal::bytes()));
  std::span<std::byte> bytes_{static_cast<std::byte*>(memory_.data()), memory_.size()};

  // Runs no destructor before the test is over, as a process that is killed runs none.
  struct {
    std::unique_ptr<Journal> journal;
    std::unique_ptr<JournalSlot> slot;
    Intent intent;
  } dead_;
};

TEST_F(JournalTest, MakesAChangeOnce) {
  Journal journal = open();
  int executed = 0;
  EXPECT_TRUE(attempt(journal, false, true, 0, executed));
  EXPECT_EQ(executed, 1) << "what stands there is not asked for a request that comes first";
}

TEST_F(JournalTest, MakesItWhereTheDeadProcessHadOnlyReceivedIt) {
  die_at(Stage::kReceived);
  Journal journal = open();
  int executed = 0;
  EXPECT_TRUE(attempt(journal, true, true, 0, executed));
  EXPECT_EQ(executed, 1);
}

TEST_F(JournalTest, LooksWhetherItWasMadeAfterAnIntent) {
  die_at(Stage::kIntent);
  Journal journal = open();
  int executed = 0;
  EXPECT_TRUE(attempt(journal, true, true, EEXIST, executed));
  EXPECT_EQ(executed, 0);
}

TEST_F(JournalTest, MakesItAfterAnIntentThatWasNotCarriedOut) {
  die_at(Stage::kIntent);
  Journal journal = open();
  int executed = 0;
  EXPECT_TRUE(attempt(journal, true, false, 0, executed));
  EXPECT_EQ(executed, 1);
}

TEST_F(JournalTest, GivesTheRecordedAnswer) {
  die_at(Stage::kDone, ENOTEMPTY);
  Journal journal = open();
  int executed = 0;
  const auto result = attempt(journal, true, false, 0, executed);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().value, ENOTEMPTY);
  EXPECT_EQ(executed, 0);
}

TEST_F(JournalTest, GivesTheRecordedAnswerOnceToARequestThatTriesAgain) {
  die_at(Stage::kDone, EEXIST);
  Journal journal = open();
  JournalSlot slot(journal);
  Intent intent = slot.begin(kUnique, kOpcode, kNode, true);
  int executed = 0;
  const auto make = [&]() -> Result<void> {
    ++executed;
    return {};
  };
  const auto nothing_there = [] { return false; };
  EXPECT_FALSE(exactly_once(intent, make, nothing_there));
  EXPECT_TRUE(exactly_once(intent, make, nothing_there));
  EXPECT_EQ(executed, 1);
}

TEST_F(JournalTest, DoesNotResumeWhatIsNotSentAgain) {
  die_at(Stage::kDone, ENOTEMPTY);
  Journal journal = open();
  journal.drop_orphans();
  int executed = 0;
  EXPECT_TRUE(attempt(journal, true, false, 0, executed)) << "sent again after the drain: new";
  EXPECT_EQ(executed, 1);
}

TEST_F(JournalTest, TakesBackWhatTheKernelCannotHave) {
  constexpr HandleId kHandle = 5;
  die_at(Stage::kReceived);
  dead_.intent.opened(kHandle);
  Journal journal = open();
  auto unanswered = journal.unanswered_orphans();
  ASSERT_EQ(unanswered.size(), 1U);
  EXPECT_EQ(unanswered.front().take_handle(), kHandle);
  dead_.intent.replying();
  EXPECT_TRUE(open().unanswered_orphans().empty()) << "the reply may have come to the kernel";
}

TEST_F(JournalTest, CountsAFaultForTheRequestThatItWasAt) {
  const auto faults_after = [&](WorkerEnd end, std::uint64_t faulty) {
    die_at(Stage::kIntent);
    Journal journal = open();
    journal.note_death({end, faulty, 0});
    JournalSlot slot(journal);
    return slot.begin(kUnique, kOpcode, kNode, true).faults();
  };
  EXPECT_EQ(faults_after(WorkerEnd::kFaultedAt, kUnique), 1U);
  EXPECT_EQ(faults_after(WorkerEnd::kFaultedAt, kUnique + 2), 0U);
  EXPECT_EQ(faults_after(WorkerEnd::kFaultedAt, 0), 0U) << "at no request";
  EXPECT_EQ(faults_after(WorkerEnd::kFaulted, 0), 1U) << "nobody knows at which";
  EXPECT_EQ(faults_after(WorkerEnd::kKilled, kUnique), 0U) << "an earlier fault's";
}

TEST_F(JournalTest, TellsWhatWasBornSinceTheIntent) {
  Journal journal = open();
  JournalSlot slot(journal);
  Intent intent = slot.begin(kUnique, kOpcode, kNode, false);
  timespec before{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &before);
  before.tv_sec -= 1;
  intent.plan();
  timespec after{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &after);
  EXPECT_FALSE(intent.is_since_plan(before));
  EXPECT_TRUE(intent.is_since_plan(after));
}

TEST_F(JournalTest, TellsWhatWasBornBeforeTheDeath) {
  constexpr std::uint64_t kSecondUs = 1'000'000;
  die_at(Stage::kIntent);
  Journal journal = open();
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec |= 1;
  timespec earlier = now;
  earlier.tv_sec -= 2;
  journal.note_death({WorkerEnd::kKilled, 0, sys::monotonic_us() - kSecondUs});
  JournalSlot slot(journal);
  const Intent intent = slot.begin(kUnique, kOpcode, kNode, true);
  EXPECT_TRUE(intent.is_before_death(earlier));
  EXPECT_FALSE(intent.is_before_death(now));
  earlier.tv_nsec = 0;
  EXPECT_FALSE(intent.is_before_death(earlier)) << "of a filesystem with whole seconds";
  JournalSlot other(journal);
  EXPECT_FALSE(other.begin(kUnique + 2, kOpcode, kNode, false).is_before_death(now))
      << "nobody died over it";
}

}  // namespace
}  // namespace cvfs
