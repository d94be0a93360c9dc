#include "sys/system_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace cvfs::sys {
namespace {

class SystemLogTest : public testing::Test {
 protected:
  void SetUp() override { listen(listener_, path_); }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::unlink(journal_path_.c_str());
  }

  static void listen(const UniqueFd& listener, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  std::vector<std::string> read_lines() { return read_lines(listener_); }
  static std::vector<std::string> read_lines(const UniqueFd& listener) {
    std::vector<std::string> lines;
    char line[4096];
    for (;;) {
      const ssize_t got = ::recv(listener.get(), line, sizeof line, MSG_DONTWAIT);
      if (got < 0) return lines;
      lines.emplace_back(line, static_cast<std::size_t>(got));
    }
  }

  std::string path_ = "/tmp/cvfs-log-" + std::to_string(::getpid());
  UniqueFd listener_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::string journal_path_ = path_ + "-journal";
  UniqueFd journal_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  SystemLog log_{"toto:/data", {path_, journal_path_}};
};

TEST_F(SystemLogTest, SendsWhatSyslogWould) {
  log_.send(LOG_WARNING, "one: two");
  const auto lines = read_lines();
  ASSERT_EQ(lines.size(), 1U);
  const std::string ident = "cvfsd[" + std::to_string(::getpid()) + "]: one: two";
  EXPECT_TRUE(lines[0].starts_with("<28>")) << lines[0];
  EXPECT_TRUE(lines[0].ends_with(ident)) << lines[0];
  EXPECT_EQ(lines[0].size(), 4 + 16 + ident.size()) << "a date: " << lines[0];
}

TEST_F(SystemLogTest, CountsWhatNobodyReads) {
  for (int i = 0; i < 5000; ++i) log_.send(LOG_INFO, "line " + std::to_string(i));
  const std::size_t read = read_lines().size();
  EXPECT_LT(read, 5000U) << "more than a socket holds";
  log_.send(LOG_INFO, "the last one");
  const auto lines = read_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].ends_with(": " + std::to_string(5000 - read) + " lines could not be logged"))
      << lines[0];
  EXPECT_TRUE(lines[1].ends_with(": the last one"));
}

TEST_F(SystemLogTest, OpensNothingForALine) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  log_.send(LOG_INFO, "without a descriptor");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(read_lines().size(), 1U);
}

TEST_F(SystemLogTest, SendsToWhoListensLater) {
  TearDown();
  log_.send(LOG_INFO, "to nobody");
  listener_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SetUp();
  log_.send(LOG_INFO, "to somebody");
  EXPECT_EQ(read_lines().size(), 2U) << "and how many were lost";
}

TEST_F(SystemLogTest, TellsTheJournalFieldsOfItsOwnAndNobodyElse) {
  listen(journal_, journal_path_);
  log_.send(LOG_WARNING, "two\nlines");
  EXPECT_TRUE(read_lines().empty());
  const auto entries = read_lines(journal_);
  ASSERT_EQ(entries.size(), 1U);
  const auto has = [&](const std::string& name, const std::string& value) {
    std::string field = name + '\n' + static_cast<char>(value.size()) + std::string(7, '\0');
    return entries[0].find(field + value + '\n') != std::string::npos;
  };
  EXPECT_TRUE(has("MESSAGE", "two\nlines"));
  EXPECT_TRUE(has("PRIORITY", "4"));
  EXPECT_TRUE(has("SYSLOG_IDENTIFIER", "cvfsd"));
  EXPECT_TRUE(has("SYSLOG_FACILITY", "3"));
  EXPECT_TRUE(has("SYSLOG_PID", std::to_string(::getpid())));
  EXPECT_TRUE(has("CVFS_VIEW", "toto:/data"));
  EXPECT_TRUE(has("CVFS_TENANT", "toto"));
}

TEST_F(SystemLogTest, ManagesWithoutAListener) {
  ::unlink(path_.c_str());
  log_.send(LOG_INFO, "to nobody");
  EXPECT_TRUE(read_lines().empty());
}

}  // namespace
}  // namespace cvfs::sys
