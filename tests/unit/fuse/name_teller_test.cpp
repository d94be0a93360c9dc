#include "fuse/name_teller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

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
};

TEST_F(NameTellerTest, TellsInOrder) {
  NameTeller teller(in_.get());
  std::vector<NameChange> changes = {NameTeller::change_of(5, "one"),
                                     NameTeller::change_of(6, "other")};
  const std::string both = changes[0].message + changes[1].message;
  EXPECT_EQ(teller.tell(std::move(changes)), 0U);
  EXPECT_EQ(told(), both);
  EXPECT_FALSE(teller.is_behind());
}

#ifndef CVFS_SANITIZED  // no other process waits there

TEST_F(NameTellerTest, OneThatWaitsKeepsNothingElseBack) {
  // Its first message fills the pipe, and waits.
  NameTeller teller(in_.get());
  std::vector<NameChange> first(2);
  first[0].directory = 5;
  first[0].message = std::string(std::size_t{1} << 20, 'x');
  first[1].directory = 5;
  first[1].message = "second of 5";
  EXPECT_EQ(teller.tell(std::move(first)), 1U);
  EXPECT_TRUE(teller.is_behind());
  // The next of the same directory starts no further process.
  std::vector<NameChange> more(1);
  more[0].directory = 5;
  more[0].message = "third of 5";
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
