#include "journal/state_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <random>
#include <string>

namespace cvfs {
namespace {

constexpr std::array kSections = {SectionSpec{Section::kInodes, 3, 10'000},
                                  SectionSpec{Section::kJournal, 1, 100}};

// Version 4 of the inodes is what version 3 was, behind 8 bytes more; nothing older is understood.
Outcome<void> migrate_inodes(std::span<const std::byte> old, std::uint32_t old_version,
                             std::span<std::byte> fresh) {
  if (old_version != 3) return refuse("inodes", "not of version 3");
  if (old[0] == std::byte{0xEE}) return refuse("inodes", "not understood");
  std::memcpy(fresh.data() + 8, old.data(), old.size());
  return {};
}
constexpr std::array kNextSections = {
    SectionSpec{Section::kInodes, 4, 10'008, migrate_inodes, 3},
    SectionSpec{Section::kJournal, 1, 100},
    SectionSpec{Section::kStatistics, 1, 5'000},
};

UniqueFd another_descriptor(const StateMemory& state) {
  return UniqueFd(::dup(state.fd()));
}

StateMemory make(std::span<const SectionSpec> sections) {
  return std::move(*StateMemory::create(sections));
}
StateMemory adopt(const StateMemory& state, std::span<const SectionSpec> sections) {
  return std::move(StateMemory::adopt(another_descriptor(state), sections).value());
}

// What adopt() says, and that check() says the same.
std::string refusal(UniqueFd memory, std::span<const SectionSpec> sections) {
  const auto checked = StateMemory::check(memory.get(), sections);
  const auto adopted = StateMemory::adopt(std::move(memory), sections);
  EXPECT_EQ(checked.has_value(), adopted.has_value());
  if (adopted) return "none";
  EXPECT_EQ(checked.error().what, adopted.error().what);
  EXPECT_NE(adopted.error().hint, "");
  return adopted.error().what;
}

struct stat status(const StateMemory& state) {
  struct stat result {};
  EXPECT_EQ(::fstat(state.fd(), &result), 0);
  return result;
}

std::byte& first_inode(const StateMemory& state) {
  return state.section(Section::kInodes)[state.section(Section::kInodes).size() - 10'000];
}

TEST(StateMemory, IsZeroedAndKeepsItsSectionsApart) {
  const StateMemory state = make(kSections);
  const auto inodes = state.section(Section::kInodes);
  const auto journal = state.section(Section::kJournal);
  ASSERT_EQ(inodes.size(), 10'000U);
  ASSERT_EQ(journal.size(), 100U);
  std::memset(inodes.data(), 0xFF, inodes.size());
  for (const std::byte byte : journal) EXPECT_EQ(byte, std::byte{0});
  EXPECT_TRUE(state.section(Section::kHandles).empty());
}

TEST(StateMemory, ShowsAnotherProcessWhatWasWritten) {
  const StateMemory state = make(kSections);
  state.section(Section::kJournal)[5] = std::byte{42};
  const StateMemory adopted = adopt(state, kSections);
  EXPECT_EQ(adopted.section(Section::kJournal)[5], std::byte{42});
}

TEST(StateMemory, RefusesAVersionThatItDoesNotKnow) {
  const std::array newer = {SectionSpec{Section::kInodes, 2, 10'000}};
  const std::array much_older = {SectionSpec{Section::kInodes, 6, 10'008, migrate_inodes, 4}};
  const std::array older = {SectionSpec{Section::kInodes, 4, 10'000}};
  const std::array larger = {SectionSpec{Section::kInodes, 3, 10'001}};
  const StateMemory state = make(kSections);
  EXPECT_EQ(refusal(another_descriptor(state), newer),
            "section 1 (inodes) has version 3, this build knows none after 2");
  EXPECT_EQ(refusal(another_descriptor(state), much_older),
            "section 1 (inodes) has version 3, this build understands versions 4 to 6");
  EXPECT_EQ(refusal(another_descriptor(state), older),
            "section 1 (inodes) has version 3, this build understands versions 4 to 4");
  EXPECT_EQ(refusal(another_descriptor(state), larger),
            "section 1 (inodes) has version 3 and 10000 bytes, this build's 10001");
}

TEST(StateMemory, RefusesWhatIsNone) {
  UniqueFd empty(::memfd_create("cvfs-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(empty.get(), 4096), 0);
  EXPECT_EQ(refusal(std::move(empty), kSections), "not of cvfs");
  UniqueFd small(::memfd_create("cvfs-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(small.get(), 100), 0);
  EXPECT_EQ(refusal(std::move(small), kSections), "too small to be one");
  EXPECT_EQ(refusal(UniqueFd(), kSections), "cannot read it: Bad file descriptor");
}

TEST(StateMemory, RefusesAMemoryThatWasCutOff) {
  const StateMemory state = make(kSections);
  ASSERT_EQ(::ftruncate(state.fd(), 8192), 0);
  EXPECT_EQ(refusal(another_descriptor(state), kSections),
            "its directory says 20480 bytes, it has 8192");
}

TEST(StateMemory, CheckChangesNothing) {
  const StateMemory state = make(kSections);
  const off_t size = status(state).st_size;
  const auto* const page = reinterpret_cast<const char*>(&first_inode(state)) - 4096;
  const std::string before(page, 4096);
  EXPECT_TRUE(StateMemory::check(state.fd(), kNextSections));
  EXPECT_EQ(std::string(page, 4096), before);
  EXPECT_EQ(status(state).st_size, size);
}

TEST(StateMemory, MakesASectionAnewFromAnOlderVersion) {
  const StateMemory old = make(kSections);
  first_inode(old) = std::byte{7};
  old.section(Section::kJournal)[0] = std::byte{8};
  const StateMemory next = adopt(old, kNextSections);
  EXPECT_EQ(next.section(Section::kInodes).size(), 10'008U);
  EXPECT_EQ(first_inode(next), std::byte{7});
  EXPECT_EQ(next.section(Section::kInodes)[0], std::byte{0});
  EXPECT_EQ(next.section(Section::kJournal)[0], std::byte{8});
  EXPECT_EQ(next.section(Section::kStatistics).size(), 5'000U);
  EXPECT_EQ(next.section(Section::kStatistics)[4'999], std::byte{0});
  // The old one has what it had.
  first_inode(next) = std::byte{9};
  EXPECT_EQ(first_inode(old), std::byte{7});
  EXPECT_EQ(old.section(Section::kInodes).size(), 10'000U);
}

TEST(StateMemory, GoesBackToTheOldBuildBeforeTheCommit) {
  const StateMemory old = make(kSections);
  first_inode(old) = std::byte{7};
  { first_inode(adopt(old, kNextSections)) = std::byte{9}; }
  EXPECT_EQ(first_inode(adopt(old, kSections)), std::byte{7});
}

TEST(StateMemory, MigratesAnewAtTheNextAttempt) {
  const StateMemory old = make(kSections);
  {
    const StateMemory failed = adopt(old, kNextSections);
    failed.section(Section::kInodes)[0] = std::byte{1};
    failed.section(Section::kStatistics)[0] = std::byte{1};
  }
  first_inode(old) = std::byte{7};
  const StateMemory next = adopt(old, kNextSections);
  EXPECT_EQ(first_inode(next), std::byte{7});
  EXPECT_EQ(next.section(Section::kInodes)[0], std::byte{0});
  EXPECT_EQ(next.section(Section::kStatistics)[0], std::byte{0});
}

TEST(StateMemory, RefusesWhatTheMigrationRefusesAndLeavesTheOldState) {
  const StateMemory old = make(kSections);
  first_inode(old) = std::byte{0xEE};
  const auto refused = StateMemory::adopt(another_descriptor(old), kNextSections);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "not understood");
  EXPECT_EQ(first_inode(adopt(old, kSections)), std::byte{0xEE});
}

TEST(StateMemory, IsTheNewBuildsAfterTheCommit) {
  const StateMemory old = make(kSections);
  StateMemory next = adopt(old, kNextSections);
  first_inode(next) = std::byte{9};
  next.commit();
  EXPECT_EQ(refusal(another_descriptor(old), kSections),
            "section 1 (inodes) has version 4, this build knows none after 3");
  EXPECT_EQ(first_inode(adopt(next, kNextSections)), std::byte{9});
  next.retire_older();
  EXPECT_EQ(first_inode(adopt(next, kNextSections)), std::byte{9});
}

TEST(StateMemory, StaysTheNewBuildsIfAnOlderOneCommitsLate) {
  const std::array latest = {SectionSpec{Section::kInodes, 5, 10'000,
                                         [](std::span<const std::byte> old, std::uint32_t,
                                            std::span<std::byte> fresh) -> Outcome<void> {
                                           fresh[0] = old[8];
                                           return {};
                                         },
                                         4}};
  StateMemory next = adopt(make(kSections), kNextSections);
  next.commit();
  first_inode(next) = std::byte{9};
  StateMemory last = adopt(next, latest);
  last.commit();
  next.commit();
  EXPECT_EQ(first_inode(adopt(last, latest)), std::byte{9});
  EXPECT_EQ(refusal(another_descriptor(last), kNextSections),
            "section 1 (inodes) has version 5, this build knows none after 4");
}

TEST(StateMemory, IsCommittedByAChildOfTheProcessThatAdopted) {
  const StateMemory old = make(kSections);
  StateMemory next = adopt(old, kNextSections);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    first_inode(next) = std::byte{9};
    next.commit();
    next.retire_older();
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(first_inode(adopt(next, kNextSections)), std::byte{9});
}

TEST(StateMemory, GivesTheMemoryOfOlderSectionsBackOnlyAfterTheCommit) {
  const StateMemory old = make(kSections);
  std::memset(old.section(Section::kInodes).data(), 1, 10'000);
  StateMemory next = adopt(old, kNextSections);
  next.retire_older();
  EXPECT_EQ(first_inode(old), std::byte{1});
  const blkcnt_t before = status(next).st_blocks;
  next.commit();
  next.retire_older();
  EXPECT_EQ(status(next).st_blocks, before - 3 * 4096 / 512);
  EXPECT_EQ(first_inode(old), std::byte{0});
}

TEST(StateMemory, LeavesSectionsOfANewerBuildAlone) {
  const std::array more = {kSections[0], kSections[1], SectionSpec{Section{77}, 5, 100}};
  const StateMemory newer = make(more);
  newer.section(Section{77})[3] = std::byte{3};
  {
    StateMemory without = adopt(newer, kSections);
    EXPECT_TRUE(without.section(Section{77}).empty());
    without.commit();
    without.retire_older();
  }
  EXPECT_EQ(adopt(newer, more).section(Section{77})[3], std::byte{3});
}

TEST(StateMemory, DoesNotGrowWithUpgrades) {
  std::array sections = kNextSections;
  StateMemory state = adopt(make(kSections), sections);
  state.commit();
  state.retire_older();
  off_t largest = 0;
  for (std::uint32_t round = 0; round < 100; ++round) {
    sections[0] = {Section::kInodes, 5 + round, 10'008 + round % 3,
                   [](std::span<const std::byte>, std::uint32_t,
                      std::span<std::byte>) -> Outcome<void> { return {}; }};
    for (int failed = 0; failed < 3; ++failed) (void)adopt(state, sections);
    StateMemory next = adopt(state, sections);
    next.commit();
    next.retire_older();
    if (round == 3) largest = status(next).st_size;
  }
  EXPECT_LE(status(state).st_size, largest);
}

TEST(StateMemory, DoesNotGrowWithAHundredFailedUpgrades) {
  const StateMemory old = make(kSections);
  first_inode(old) = std::byte{7};
  off_t size = 0;
  blkcnt_t blocks = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const StateMemory failed = adopt(old, kNextSections);
    std::memset(failed.section(Section::kStatistics).data(), 1, 5'000);
    std::memset(failed.section(Section::kInodes).data(), 1, 10'000);
    if (attempt == 0) {
      size = status(old).st_size;
      blocks = status(old).st_blocks;
    }
  }
  EXPECT_EQ(status(old).st_size, size);
  EXPECT_EQ(status(old).st_blocks, blocks);
  EXPECT_EQ(first_inode(adopt(old, kNextSections)), std::byte{7});
}

// The old build's process goes on in its own sections, by its own mapping.
TEST(StateMemory, IsWrittenByTheOldBuildWhileTheNewOneGivesUp) {
  const StateMemory old = make(kSections);
  const auto inodes = old.section(Section::kInodes);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool good = true;
    for (int attempt = 0; attempt < 50; ++attempt) {
      const auto next = StateMemory::adopt(another_descriptor(old), kNextSections);
      good = good && next.has_value();
      if (next) std::memset(next->section(Section::kInodes).data(), 0xFF, 10'008);
    }
    ::_exit(good ? 0 : 1);
  }
  int ended = 0;
  std::uint64_t written = 0;
  while (::waitpid(child, &ended, WNOHANG) == 0) {
    ++written;
    std::memcpy(inodes.data() + 8 * (written % 1000), &written, sizeof written);
    std::uint64_t read = 0;
    std::memcpy(&read, inodes.data() + 8 * ((written - 1) % 1000), sizeof read);
    ASSERT_EQ(read, written - 1);
  }
  EXPECT_EQ(ended, 0);
  const StateMemory next = adopt(old, kNextSections);
  EXPECT_EQ(std::memcmp(next.section(Section::kInodes).data() + 8, inodes.data(), 10'000), 0);
}

// A migration that kills its process, at any addition: what the others have stays.
TEST(StateMemory, IsValidAfterADeathInTheMiddleOfAdopting) {
  const StateMemory old = make(kSections);
  first_inode(old) = std::byte{7};
  auto deadly = kNextSections;
  std::swap(deadly[0], deadly[2]);  // another one has been appended when it dies
  deadly[2].migrate = [](std::span<const std::byte>, std::uint32_t,
                         std::span<std::byte> fresh) -> Outcome<void> {
    std::memset(fresh.data(), 0xFF, 5'000);
    ::raise(SIGKILL);
    return {};
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    (void)StateMemory::adopt(another_descriptor(old), deadly);
    ::_exit(0);
  }
  int ended = 0;
  ASSERT_EQ(::waitpid(child, &ended, 0), child);
  ASSERT_TRUE(WIFSIGNALED(ended));
  const StateMemory next = adopt(old, kNextSections);
  EXPECT_EQ(first_inode(next), std::byte{7});
  EXPECT_EQ(next.section(Section::kInodes)[0], std::byte{0});
  EXPECT_EQ(next.section(Section::kInodes)[10'007], std::byte{0});
}

// ---- damage

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  void inflict(std::span<std::byte> page) {
    const std::size_t times = 1 + random_() % 4;
    for (std::size_t i = 0; i < times; ++i) {
      const std::uint64_t value = value_of_interest();
      const std::size_t bytes = std::size_t{1} << random_() % 4;
      const std::size_t within = random_() % 2 == 0 ? kEntries : kUsed;
      std::memcpy(page.data() + random_() % within / bytes * bytes, &value, bytes);
    }
  }

 private:
  // Of the page: up to the last entry, up to the last field.
  static constexpr std::size_t kEntries = 24 + 4 * sizeof(SectionEntry);
  static constexpr std::size_t kUsed = sizeof(StateDirectory);

  std::uint64_t value_of_interest() {
    static constexpr std::uint64_t kValues[] = {
        0,     1,     2,      3,      4,          63,    64,        65,        4'095,
        4'096, 8'192, 20'480, 24'576, 1ULL << 31, ~0ULL, ~4'095ULL, ~0ULL >> 1};
    return random_() % 2 == 0 ? random_() : kValues[random_() % std::size(kValues)];
  }
  std::mt19937_64 random_;
};

// The first and the last byte of each are there: no SIGBUS, no SIGSEGV.
void touch_sections(const StateMemory& state, std::span<const SectionSpec> sections) {
  for (const SectionSpec& section : sections) {
    const auto bytes = state.section(section.kind);
    ASSERT_EQ(bytes.size(), section.bytes);
    bytes.front() = std::byte{1};
    bytes.back() = std::byte{1};
  }
}

TEST(StateMemory, RefusesOrAdoptsADamagedDirectoryAndNeverFaults) {
  const StateMemory template_state = adopt(make(kSections), kNextSections);
  std::array<std::byte, 4096> page{};
  ASSERT_EQ(::pread(template_state.fd(), page.data(), page.size(), 0), 4096);
  int adopted = 0;
  for (std::uint32_t seed = 0; seed < 10'000; ++seed) {
    auto damaged = page;
    Damage(seed).inflict(damaged);
    UniqueFd memory(::memfd_create("cvfs-test", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(memory.get(), status(template_state).st_size), 0);
    ASSERT_EQ(::pwrite(memory.get(), damaged.data(), damaged.size(), 0), 4096);
    const auto& sections = seed % 2 == 0 ? std::span<const SectionSpec>(kSections)
                                         : std::span<const SectionSpec>(kNextSections);
    const bool good = StateMemory::check(memory.get(), sections).has_value();
    auto state = StateMemory::adopt(std::move(memory), sections);
    ASSERT_EQ(good, state.has_value()) << seed;
    if (!state) continue;
    ++adopted;
    touch_sections(*state, sections);
    state->commit();
    state->retire_older();
  }
  EXPECT_GT(adopted, 1'000);
  EXPECT_LT(adopted, 9'000);
  RecordProperty("adopted", adopted);
}

}  // namespace
}  // namespace cvfs
