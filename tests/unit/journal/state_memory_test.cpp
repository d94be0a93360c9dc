#include "journal/state_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace cvfs {
namespace {

constexpr std::array kSections = {SectionSpec{Section::kInodes, 3, 10'000},
                                  SectionSpec{Section::kJournal, 1, 100}};

UniqueFd another_descriptor(const StateMemory& state) {
  return UniqueFd(::dup(state.fd()));
}

std::string refusal(UniqueFd memory, std::span<const SectionSpec> expected) {
  const auto adopted = StateMemory::adopt(std::move(memory), expected);
  return adopted ? "none" : adopted.error().what;
}

TEST(StateMemory, IsZeroedAndKeepsItsSectionsApart) {
  const StateMemory state = std::move(*StateMemory::create(kSections));
  const auto inodes = state.section(Section::kInodes);
  const auto journal = state.section(Section::kJournal);
  ASSERT_EQ(inodes.size(), 10'000U);
  ASSERT_EQ(journal.size(), 100U);
  std::memset(inodes.data(), 0xFF, inodes.size());
  for (const std::byte byte : journal) EXPECT_EQ(byte, std::byte{0});
}

TEST(StateMemory, ShowsAnotherProcessWhatWasWritten) {
  const StateMemory state = std::move(*StateMemory::create(kSections));
  state.section(Section::kJournal)[5] = std::byte{42};
  const auto adopted = StateMemory::adopt(another_descriptor(state), kSections);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->section(Section::kJournal)[5], std::byte{42});
}

TEST(StateMemory, RefusesALayoutThatItDoesNotKnow) {
  const StateMemory state = std::move(*StateMemory::create(kSections));
  const std::array newer = {SectionSpec{Section::kInodes, 4, 10'000}};
  const std::array missing = {SectionSpec{Section::kHandles, 1, 10}};
  EXPECT_EQ(refusal(another_descriptor(state), newer), "section 1 is not of version 4");
  EXPECT_EQ(refusal(another_descriptor(state), missing), "section 2 is not of version 1");
}

TEST(StateMemory, RefusesWhatIsNone) {
  UniqueFd empty(::memfd_create("cvfs-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(empty.get(), 4096), 0);
  EXPECT_EQ(refusal(std::move(empty), kSections), "not of cvfs");
  UniqueFd small(::memfd_create("cvfs-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(small.get(), 100), 0);
  EXPECT_EQ(refusal(std::move(small), kSections), "too small to be one");
}

}  // namespace
}  // namespace cvfs
