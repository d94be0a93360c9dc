#include "idmap/override_stat.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace cvfs {
namespace {

constexpr mode_t kFile = S_IFREG | 0600;

struct Example {
  const char* text;
  mode_t on_disk;
  mode_t mode;
};

// What containers/storage writes and accepts (pkg/idtools, its own tests).
TEST(OverrideStat, IsReadAsContainersStorageWritesIt) {
  const Example examples[] = {
      {"1000:1001:0644:file", kFile, S_IFREG | 0644},
      {"1000:1001:0755:dir", S_IFDIR | 0700, S_IFDIR | 0755},
      {"1000:1001:0600:pipe", kFile, S_IFIFO | 0600},
      {"1000:1001:0700:socket", kFile, S_IFSOCK | 0700},
      {"1000:1001:4755:file", kFile, S_IFREG | 04755},
      {"1000:1001:1777:dir", S_IFDIR | 0700, S_IFDIR | 01777},
      {"1000:1001:0777:symlink", S_IFLNK | 0777, S_IFLNK | 0777},
      {"1000:1001:755", kFile, S_IFREG | 0755},  // older than the type
      {"1000:1001:06511", kFile, S_IFREG | 06511},
  };
  for (const Example& example : examples) {
    const auto parsed = parse_override_stat(example.text, example.on_disk);
    ASSERT_TRUE(parsed) << example.text;
    EXPECT_EQ(parsed->uid.value, 1000U);
    EXPECT_EQ(parsed->gid.value, 1001U);
    EXPECT_EQ(parsed->mode, example.mode) << example.text;
  }
}

TEST(OverrideStat, NeverMakesADeviceNorAnotherDirectory) {
  for (const char* text : {"0:0:0666:char-1-3", "0:0:0666:block-8-0", "0:0:0777:dir",
                           "0:0:0777:symlink", "0:0:0666:anything"}) {
    EXPECT_EQ(parse_override_stat(text, kFile)->mode & S_IFMT, mode_t{S_IFREG}) << text;
    EXPECT_EQ(parse_override_stat(text, S_IFDIR)->mode & S_IFMT, mode_t{S_IFDIR}) << text;
  }
  EXPECT_EQ(parse_override_stat("0:0:0666:pipe", S_IFDIR)->mode & S_IFMT, mode_t{S_IFDIR});
}

TEST(OverrideStat, NonsenseIsNone) {
  for (const char* text : {"", ":", "1:2", "1:2:", "1:2:9:file", "a:2:0644:file", "1:-2:0644:file",
                           "1:2:0644x:file", "99999999999:2:0644:file", " 1:2:0644"}) {
    EXPECT_FALSE(parse_override_stat(text, kFile)) << text;
  }
}

TEST(OverrideStat, IsWrittenAsContainersStorageDoes) {
  const auto text = [](mode_t mode) {
    return text_of({ContainerUid{1000}, ContainerGid{1011}, mode});
  };
  EXPECT_EQ(text(S_IFREG | 0644), "1000:1011:0644:file");
  EXPECT_EQ(text(S_IFDIR | 0755), "1000:1011:0755:dir");
  EXPECT_EQ(text(S_IFLNK | 0777), "1000:1011:0777:symlink");
  EXPECT_EQ(text(S_IFIFO | 0666), "1000:1011:0666:pipe");
  EXPECT_EQ(text(S_IFSOCK | 0700), "1000:1011:0700:socket");
  EXPECT_EQ(text(S_IFREG | 04755), "1000:1011:4755:file");
}

}  // namespace
}  // namespace cvfs
