#include "vfs/file_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "store/local_store.h"

namespace cvfs {
namespace {

// Real files: the cache opens them again by their handles.
class FileCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/cvfs-file-cache-XXXXXX";
    path_ = ::mkdtemp(name);
    store_ = std::move(*LocalStore::open(
        UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), {}, {}));
    const File root = std::move(*store_->root());
    for (int i = 0; i < 200; ++i) {
      std::ofstream(path_ + "/" + std::to_string(i)) << i;
      const File file = std::move(*store_->look_up(root, std::to_string(i).c_str()));
      ids_.push_back(store_->id_of(file, *store_->status(file)));
    }
    if (!ids_[0].can_reopen()) GTEST_SKIP() << "no file handles on this filesystem";
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  std::uint64_t inode_behind(const PinnedFile& pinned) { return store_->status(*pinned)->inode; }

  std::string path_;
  std::unique_ptr<LocalStore> store_;
  std::vector<FileId> ids_;
};

TEST_F(FileCacheTest, KeepsOnlyAsManyIdleFilesAsItMay) {
  FileCache cache(*store_, 32);
  for (NodeId i = 0; i < ids_.size(); ++i) ASSERT_TRUE(cache.pin(i + 1, ids_[i]));
  EXPECT_LE(cache.size(), 32U);
}

TEST_F(FileCacheTest, OpensAnEvictedFileAgain) {
  FileCache cache(*store_, 16);
  for (int round = 0; round < 2; ++round) {
    for (NodeId i = 0; i < ids_.size(); ++i) {
      const auto pinned = cache.pin(i + 1, ids_[i]);
      ASSERT_TRUE(pinned);
      EXPECT_EQ(inode_behind(*pinned), ids_[i].inode);
    }
  }
}

TEST_F(FileCacheTest, DoesNotEvictWhatIsPinnedOrHeld) {
  FileCache cache(*store_, 16);
  const PinnedFile pinned = std::move(*cache.pin(1, ids_[0]));
  {
    const PinnedFile other = std::move(*cache.pin(2, ids_[1]));
    cache.hold(2);
  }
  for (NodeId i = 2; i < ids_.size(); ++i) ASSERT_TRUE(cache.pin(i + 1, ids_[i]));
  EXPECT_EQ(inode_behind(pinned), ids_[0].inode);

  ASSERT_EQ(::unlink((path_ + "/1").c_str()), 0);
  EXPECT_TRUE(cache.pin(2, ids_[1])) << "an unlinked file that is held";
  cache.unhold(2);
  cache.drop(2);
  EXPECT_EQ(cache.pin(2, ids_[1]).error().value, ESTALE);
}

TEST_F(FileCacheTest, NeverEvictsAFileThatIsKeptForGood) {
  FileCache cache(*store_, 16);
  const File root = std::move(*store_->root());
  (void)cache.keep(1, std::move(*store_->look_up(root, "0")), true);
  for (NodeId i = 1; i < ids_.size(); ++i) ASSERT_TRUE(cache.pin(i + 1, ids_[i]));
  EXPECT_TRUE(cache.pin(1, FileId{})) << "it has no id to be opened by";
}

TEST_F(FileCacheTest, GivesANumberThatWasDroppedToAnotherFile) {
  FileCache cache(*store_, 16);
  ASSERT_TRUE(cache.pin(1, ids_[0]));
  cache.drop(1);
  EXPECT_EQ(inode_behind(*cache.pin(1, ids_[1])), ids_[1].inode);
}

}  // namespace
}  // namespace cvfs
