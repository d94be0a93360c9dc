#include "sys/filesystem_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace cvfs::sys {
namespace {

// A directory on a filesystem that can be watched, and the watch.
class Fanotify : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cvfs-fanotify-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    path_ = name;
    directory_.reset(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto watch = watch_filesystem(directory_.get());
    if (!watch) GTEST_SKIP() << "not here: " << watch.error().value;
    watch_ = std::move(*watch);
  }
  void TearDown() override { ::rmdir(path_.c_str()); }

  // What this process did in the directory.
  struct Seen {
    std::uint64_t mask;
    std::string name;
    FileHandle file;
  };
  std::vector<Seen> seen() {
    std::vector<Seen> all;
    const FileHandle here = *handle_of(directory_.get());
    alignas(8) std::array<std::byte, 65536> buffer;
    for (ssize_t size; (size = ::read(watch_.get(), buffer.data(), buffer.size())) > 0;) {
      for_each_event(std::span(buffer).first(std::size_t(size)), [&](const FilesystemEvent& event) {
        if (event.pid != ::getpid() || !(event.directory == here)) return;
        all.push_back({event.mask, std::string(event.name), event.file});
      });
    }
    return all;
  }

  std::string path_;
  UniqueFd directory_;
  UniqueFd watch_;
};

TEST_F(Fanotify, TellsNamesByTheHandlesThatFilesHave) {
  const UniqueFd file(::openat(directory_.get(), "a", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  const FileHandle handle = *handle_of(file.get());
  const auto made = seen();
  ASSERT_FALSE(made.empty());
  EXPECT_NE(made[0].mask & FAN_CREATE, 0U);
  EXPECT_EQ(made[0].name, "a");
  EXPECT_TRUE(made[0].file == handle);
  ::renameat(directory_.get(), "a", directory_.get(), "b");
  const auto moved = seen();
  ASSERT_EQ(moved.size(), 2U);
  EXPECT_EQ(moved[0].name, "a");
  EXPECT_EQ(moved[1].name, "b");
  ::unlinkat(directory_.get(), "b", 0);
  EXPECT_EQ(seen().back().mask, FAN_DELETE);
}

TEST_F(Fanotify, TellsANewNameFromWhatWasMadeAndRemoved) {
  ::mkdirat(directory_.get(), "d", 0700);
  alignas(8) std::array<std::byte, 4096> buffer{};
  bool is_new = false;
  const ssize_t size = ::read(watch_.get(), buffer.data(), buffer.size());
  ASSERT_GT(size, 0);
  for_each_event(std::span(buffer).first(std::size_t(size)), [&](const FilesystemEvent& event) {
    if (event.name == "d") is_new = event.is_new_name();
  });
  EXPECT_TRUE(is_new);
  ::unlinkat(directory_.get(), "d", AT_REMOVEDIR);
}

TEST_F(Fanotify, EndsAtAnEventWithoutALength) {
  ::mkdirat(directory_.get(), "d", 0700);
  ::unlinkat(directory_.get(), "d", AT_REMOVEDIR);
  alignas(8) std::array<std::byte, 4096> buffer{};
  ASSERT_GT(::read(watch_.get(), buffer.data(), buffer.size()), 0);
  int count = 0;
  for_each_event(buffer, [&](const FilesystemEvent&) { ++count; });
  EXPECT_GT(count, 0);
  const std::array<std::byte, 4096> zeros{};
  for_each_event(zeros, [](const FilesystemEvent&) { ADD_FAILURE(); });
}

TEST(FanotifyOfNothing, ProcHasNoEvents) {
  const UniqueFd proc(::open("/proc", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(watch_filesystem(proc.get()));
}

TEST_F(Fanotify, TellsHowManyEventsThereAre) {
  EXPECT_EQ(queued_events(-1), SIZE_MAX);
  (void)seen();
  for (const char* name : {"a", "a-longer-name", "b"}) {
    UniqueFd(::openat(directory_.get(), name, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  }
  // Others may change the filesystem at the same time.
  const std::size_t queued = queued_events(watch_.get());
  EXPECT_GE(queued, 3U);
  EXPECT_GE(seen().size(), 3U);
  EXPECT_LT(queued_events(watch_.get()), queued);
  for (const char* name : {"a", "a-longer-name", "b"}) ::unlinkat(directory_.get(), name, 0);
}

}  // namespace
}  // namespace cvfs::sys
