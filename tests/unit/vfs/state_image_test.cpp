// Every released version's state memory (tests/state-images) is understood by this build. An image
// is made by tests/support/make_state_image.sh; what is in it was counted by the build that made
// it, and is never counted again.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/statistics.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"
#include "vfs/state_sections.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> images() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(CVFS_STATE_IMAGES)) {
    if (entry.path().extension() == ".image") found.push_back(entry.path());
  }
  return found;
}

template <class Value>
Value value_at(const std::string& text, std::size_t offset) {
  Value value{};
  if (offset + sizeof value <= text.size()) std::memcpy(&value, text.data() + offset, sizeof value);
  return value;
}

// The format: tests/support/state_image.py.
UniqueFd expand(const std::string& image) {
  EXPECT_EQ(image.substr(0, 8), "cvfsimg1");
  UniqueFd memory(::memfd_create("cvfs-test", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(memory.get(), value_at<off_t>(image, 8)), 0);
  off_t to = 0;
  for (std::size_t at = 16; at < image.size();) {
    to += off_t{value_at<std::uint32_t>(image, at)} * 8;
    const std::size_t bytes = std::size_t{value_at<std::uint32_t>(image, at + 4)} * 8;
    EXPECT_EQ(::pwrite(memory.get(), image.data() + at + 8, bytes, to), ssize_t(bytes));
    to += off_t(bytes);
    at += 8 + bytes;
  }
  return memory;
}

// FNV-1a of numbers that mean the same in every layout.
class Digest {
 public:
  void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3ULL; }
  void add(const FileId& id) {
    add(id.device);
    add(id.inode);
    for (std::size_t i = 0; i < id.handle.size; ++i) add(std::uint64_t{id.handle.bytes[i]});
  }
  std::uint64_t get() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

void count_inodes(const StateMemory& state, std::ostream& out) {
  InodeTable table = InodeTable::adopt(state.section(Section::kInodes), kMaxInodes, [](int) {});
  std::uint64_t lookups = 0;
  std::uint64_t kept = 0;
  Digest digest;
  table.for_each([&](NodeId node, InodeRecord& record) {
    lookups += record.lookup_count;
    kept += record.held_until_forget ? 1 : 0;
    digest.add(node);
    digest.add(record.id);
    digest.add(record.lookup_count);
    digest.add(record.generation);
    digest.add(static_cast<std::uint64_t>(record.backing.load()));
    // It is found by its file, too.
    EXPECT_EQ(table.remember(record.id).value().node, node);
    EXPECT_FALSE(table.forget(node, 1));
  });
  out << "inodes " << table.live() << "\nlookups " << lookups << "\ninodes-kept " << kept
      << "\ninodes-digest " << digest.get() << "\n";
}

void count_handles(const StateMemory& state, std::ostream& out) {
  const HandleTable table = HandleTable::adopt(state.section(Section::kHandles), kMaxHandles);
  Digest digest;
  table.for_each([&](const HandleRecord& handle) {
    digest.add(handle.id);
    digest.add(handle.node);
    digest.add(static_cast<std::uint64_t>(handle.io.load()));
    digest.add(static_cast<std::uint64_t>(handle.flags));
  });
  out << "handles " << table.open() << "\nhandles-digest " << digest.get() << "\n";
}

void count_requests(const StateMemory& state, std::ostream& out) {
  const auto memory = state.section(Section::kJournal);
  const Journal journal(memory);
  const std::span records(reinterpret_cast<const IntentRecord*>(memory.data()), Journal::kSlots);
  Digest digest;
  for (const IntentRecord& record : records) {
    if (record.unique == 0) continue;
    digest.add(record.unique);
    digest.add(record.node);
    digest.add(record.opcode);
    digest.add(static_cast<std::uint64_t>(record.stage.load()));
    digest.add(record.handle);
    for (std::uint32_t i = 0; i < record.lookup_count; ++i) digest.add(record.lookups[i]);
  }
  out << "requests " << journal.orphans() << "\nrequests-digest " << digest.get() << "\n";
}

void count_view(const StateMemory& state, std::ostream& out) {
  const ViewState& view = state.view();
  std::uint64_t answered = 0;
  for (const OpcodeCount& count : Statistics(state.section(Section::kStatistics)).sum()) {
    answered += count.answered;
  }
  out << "serving " << view.serving << "\ntold " << view.told << "\nrestarts " << view.restarts
      << "\nresent " << view.resent << "\nlongest-pause-us " << view.longest_pause_us
      << "\nanswered " << answered << "\n";
}

std::string counts(const StateMemory& state) {
  std::ostringstream out;
  count_inodes(state, out);
  count_handles(state, out);
  count_requests(state, out);
  count_view(state, out);
  return out.str();
}

TEST(StateImage, OfEveryReleasedVersionIsUnderstood) {
  ASSERT_FALSE(images().empty());
  for (const fs::path& path : images()) {
    SCOPED_TRACE(path.filename());
    UniqueFd memory = expand(read_file(path));
    const auto checked = check_state(memory.get());
    ASSERT_TRUE(checked) << checked.error().message();
    const auto state = adopt_state(std::move(memory));
    ASSERT_TRUE(state) << state.error().message();
    EXPECT_EQ(counts(*state), read_file(fs::path(path).replace_extension(".counts")));
  }
}

TEST(StateImage, IsTheSameAfterTheCommit) {
  for (const fs::path& path : images()) {
    SCOPED_TRACE(path.filename());
    auto state = adopt_state(expand(read_file(path)));
    ASSERT_TRUE(state) << state.error().message();
    state->commit();
    state->retire_older();
    const auto next = adopt_state(UniqueFd(::dup(state->fd())));
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_EQ(counts(*next), read_file(fs::path(path).replace_extension(".counts")));
  }
}

TEST(StateImage, OfTodayIsUnderstood) {
  const auto state = make_state();
  ASSERT_TRUE(state);
  const auto checked = check_state(state->fd());
  EXPECT_TRUE(checked) << checked.error().message();
}

}  // namespace
}  // namespace cvfs
