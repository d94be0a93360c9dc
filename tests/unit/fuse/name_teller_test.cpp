#include "fuse/name_teller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace cvfs {
namespace {

// A pipe in the place of the connection: what is told stands in it, and when it is full, whoever
// tells waits.
class NameTellerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    char name[] = "/tmp/cvfs-teller-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    path_ = name;
    where_ = std::make_shared<const File>(UniqueFd(::open(name, O_PATH | O_CLOEXEC)));
  }
  void TearDown() override { ::rmdir(path_.c_str()); }

  std::vector<NameChange> one(NodeId directory, const char* name) {
    std::vector<NameChange> changes;
    changes.push_back(NameTeller::change_of(directory, where_, name, true));
    return changes;
  }
  std::string told() {
    std::string text(65536, '\0');
    ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    const ssize_t size = ::read(out_.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

  UniqueFd out_;
  UniqueFd in_;
  std::string path_;
  std::shared_ptr<const File> where_;
};

TEST_F(NameTellerTest, DropsOnlyWhatIsGone) {
  NameTeller teller(in_.get());
  const std::string there = path_ + "/there";
  ASSERT_EQ(::mkdir(there.c_str(), 0700), 0);
  auto change = one(5, "there");
  const std::string expire = change[0].expire;
  EXPECT_EQ(teller.tell(std::move(change)), 0U);
  EXPECT_EQ(told(), expire);
  ::rmdir(there.c_str());
  change = one(5, "there");
  const std::string drop = change[0].drop;
  EXPECT_EQ(teller.tell(std::move(change)), 0U);
  EXPECT_EQ(told(), expire + drop);
  EXPECT_FALSE(teller.is_behind());
}

#ifndef CVFS_SANITIZED  // no other process waits there

TEST_F(NameTellerTest, OneThatWaitsKeepsNothingElseBack) {
  // Its first message fills the pipe, and waits.
  NameTeller teller(in_.get());
  std::vector<NameChange> first(2);
  first[0].directory = 5;
  first[0].expire = std::string(std::size_t{1} << 20, 'x');
  first[1].directory = 5;
  first[1].expire = "second of 5";
  EXPECT_EQ(teller.tell(std::move(first)), 1U);
  EXPECT_TRUE(teller.is_behind());
  // The next of the same directory starts no further process.
  std::vector<NameChange> more(1);
  more[0].directory = 5;
  more[0].expire = "third of 5";
  EXPECT_EQ(teller.tell(std::move(more)), 0U);
  std::string all;
  while (teller.is_behind()) {
    all += told();
    (void)teller.tell({});
  }
  all += told();
  all += told();
  EXPECT_NE(all.find("second of 5"), std::string::npos);
  EXPECT_GT(all.find("third of 5"), all.find("second of 5"));
  EXPECT_NE(all.find("third of 5"), std::string::npos);
}

#endif

}  // namespace
}  // namespace cvfs
