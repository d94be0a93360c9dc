#include "sys/credentials.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace cvfs::sys {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/var/tmp/cvfs-credentials-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  void TearDown() override {
    if (!path_.empty()) std::filesystem::remove_all(path_);
  }

  struct stat make(const std::string& name, mode_t mode) {
    const std::string file = path_ + "/" + name;
    UniqueFd(::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << name;
    return status;
  }

  // The guards are for serving threads, and change them for good.
  template <class Body>
  static void on_a_serving_thread(Body body) {
    std::jthread([&body] {
      prepare_serving_thread();
      body();
    }).join();
  }

  std::string path_;
  int made_ = 0;
};

TEST_F(CredentialsTest, FilesBelongToTheirOwnerFromTheFirstMoment) {
  on_a_serving_thread([this] {
    {
      const CreateAs guard(4711, 4712, 0027);
      const auto status = make("theirs", 0666);
      EXPECT_EQ(status.st_uid, 4711U);
      EXPECT_EQ(status.st_gid, 4712U);
      EXPECT_EQ(status.st_mode & 07777, 0640U);
    }
    act_as_root();
    const auto status = make("ours", 0600);
    EXPECT_EQ(status.st_uid, 0U);
    EXPECT_EQ(status.st_gid, 0U);
  });
}

TEST_F(CredentialsTest, IdsAreGivenBackWhereTheFilesystemJudgesByThem) {
  on_a_serving_thread([this] {
    begin_request(true);
    { const CreateAs guard(4711, 4712, 0); }
    EXPECT_EQ(make("after create", 0600).st_uid, 0U);
    { const ActAs guard(4711, 4712, false); }
    EXPECT_EQ(make("after act", 0600).st_gid, 0U);
    begin_request(false);
    { const CreateAs guard(4711, 4712, 0); }
    begin_request(true);
    EXPECT_EQ(make("of the next request", 0600).st_uid, 0U);
  });
}

TEST_F(CredentialsTest, EachGuardHasItsOwnIdsWhateverTheOneBeforeLeft) {
  on_a_serving_thread([this] {
    begin_request(false);
    for (const uid_t id : {4711U, 4712U, 0U, 4711U}) {
      const CreateAs guard(id, id + 1, 0);
      const auto status = make(std::to_string(++made_), 0600);
      EXPECT_EQ(status.st_uid, id);
      EXPECT_EQ(status.st_gid, id + 1);
    }
  });
}

TEST_F(CredentialsTest, UnprivilegedIsAnyoneButRoot) {
  on_a_serving_thread([this] {
    begin_request(false);
    {
      const ActUnprivileged guard(4711, 4711);
      EXPECT_EQ(make("from root", 0600).st_uid, 4711U);
    }
    { const CreateAs guard(4712, 4712, 0); }
    {
      const ActUnprivileged guard(4711, 4711);
      EXPECT_EQ(make("from somebody", 0600).st_gid, 4712U);
    }
    {
      const ActUnprivileged guard(4711, 4711, true);
      const auto status = make("in a group", 0600);
      EXPECT_NE(status.st_uid, 0U);
      EXPECT_EQ(status.st_gid, 4711U);
    }
    begin_request(true);
    const ActUnprivileged guard(4711, 4711);
    EXPECT_EQ(make("judged", 0600).st_uid, 4711U);
  });
}

// What goes by capabilities goes on whoever's ids were left: every other call relies on it.
TEST_F(CredentialsTest, IdsThatStayLeaveRootsCapabilities) {
  on_a_serving_thread([this] {
    begin_request(false);
    ASSERT_EQ(::chmod(path_.c_str(), 0700), 0);
    make("of root", 0600);
    { const CreateAs guard(4711, 4711, 0); }
    const std::string file = path_ + "/of root";
    EXPECT_TRUE(UniqueFd(::open(file.c_str(), O_RDWR | O_CLOEXEC)));
    EXPECT_EQ(::chmod(file.c_str(), 0640), 0);
    EXPECT_EQ(::chown(file.c_str(), 4713, 4713), 0);
    EXPECT_EQ(::unlink(file.c_str()), 0);
  });
}

TEST_F(CredentialsTest, TheCreatorNeedsNoPermissionInTheDirectory) {
  on_a_serving_thread([this] {
    ASSERT_EQ(::chmod(path_.c_str(), 0700), 0);
    const CreateAs guard(4711, 4711, 0);
    EXPECT_EQ(make("inside", 0600).st_uid, 4711U);
  });
}

TEST_F(CredentialsTest, OtherThreadsStayAsTheyAre) {
  std::promise<void> taken;
  std::promise<void> done;
  std::jthread server([&] {
    prepare_serving_thread();
    const CreateAs guard(4711, 4711, 0077);
    taken.set_value();
    done.get_future().wait();
  });
  taken.get_future().wait();
  const mode_t before = ::umask(0);
  const auto status = make("other", 0644);
  ::umask(before);
  done.set_value();
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
}

TEST_F(CredentialsTest, WritesByTheServingThreadClearSetidUnlessKept) {
  const std::string file = path_ + "/setuid";
  on_a_serving_thread([&] {
    const UniqueFd fd(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0755));
    struct stat status {};
    ASSERT_EQ(::fchmod(fd.get(), 04755), 0);
    {
      const KeepSetid guard;
      ASSERT_EQ(::write(fd.get(), "x", 1), 1);
    }
    ASSERT_EQ(::fstat(fd.get(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 04755U);
    ASSERT_EQ(::write(fd.get(), "x", 1), 1);
    ASSERT_EQ(::fstat(fd.get(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0755U);
  });
}

}  // namespace
}  // namespace cvfs::sys
