#include "control/control_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "control/control_client.h"
#include "control/socket_address.h"
#include "sys/process.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using std::chrono_literals::operator""s;

const std::string kStatus = to_line({ControlVerb::kStatus, ""});

// A server that the test drives itself, step by step, and its socket's directory.
class ControlServerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root is served";
    std::string pattern = testing::TempDir() + "cvfs-control-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    scratch_ = pattern;
    path_ = scratch_ / "cvfs" / "53.sock";
    descriptors_before_ = sys::open_descriptors().value().size();
    auto server = ControlServer::listen(path_);
    ASSERT_TRUE(server) << server.error().message();
    server_.emplace(std::move(*server));
  }

  // Nothing is left: not a descriptor, not a file.
  void TearDown() override {
    if (!server_) return;
    server_->remove();
    server_.reset();
    EXPECT_EQ(sys::open_descriptors().value().size(), descriptors_before_);
    EXPECT_TRUE(fs::is_empty(scratch_ / "cvfs"));
    fs::remove_all(scratch_);
  }

  // One turn of the loop. False: nothing happened within `limit_ms`.
  bool step(int limit_ms = 100) {
    std::vector<pollfd> polled;
    server_->add_to(polled);
    const int own = server_->timeout_ms();
    const int timeout = own < 0 ? limit_ms : std::min(own, limit_ms);
    const int ready = ::poll(polled.data(), polled.size(), timeout);
    server_->serve(polled, handler_);
    return ready > 0;
  }

  template <class Condition>
  bool step_until(const Condition& is_met, std::chrono::milliseconds limit = 10s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!is_met() && std::chrono::steady_clock::now() < end) step(10);
    return is_met();
  }

  std::size_t client_count() const { return server_->descriptors().size() - 1; }

  UniqueFd connect() const {
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = SocketAddress::of(path_);
    EXPECT_EQ(::connect(client.get(), address->get(), SocketAddress::size()), 0);
    return client;
  }

  static void write(const UniqueFd& client, std::string_view text) {
    EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // All until the view closes, which it has done.
  static std::string read_all(const UniqueFd& client) {
    std::string text;
    char buffer[4096];
    ssize_t length = 0;
    while ((length = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      text.append(buffer, static_cast<std::size_t>(length));
    }
    return length == 0 || errno == ECONNRESET ? text : text + "<not closed>";
  }

  Result<std::string> ask(const std::string& line = kStatus) {
    auto asked = std::async(std::launch::async, [&] { return ask_view(path_, line, 10'000); });
    step_until([&] { return asked.wait_for(0s) == std::future_status::ready; });
    return asked.get();
  }

  fs::path scratch_;
  std::string path_;
  std::size_t descriptors_before_ = 0;
  std::optional<ControlServer> server_;
  std::string reply_ = ok_reply({{"view", {{"id", 53}}}});
  int handled_ = 0;
  ControlServer::Handler handler_ = [this](const ControlCommand&, int) {
    ++handled_;
    return std::optional(reply_);
  };
};

TEST_F(ControlServerTest, ACommandIsAnsweredAndTheConnectionClosed) {
  const auto line = ask();
  ASSERT_TRUE(line);
  EXPECT_EQ(*line + '\n', reply_);
  EXPECT_EQ(client_count(), 0U);
}

TEST_F(ControlServerTest, TheSocketAndItsDirectoryAreRootsAlone) {
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  ASSERT_EQ(::stat((scratch_ / "cvfs").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  EXPECT_NE(::fcntl(server_->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ControlServerTest, AnIdleServerWaitsForEver) {
  EXPECT_EQ(server_->timeout_ms(), -1);
  ASSERT_TRUE(ask());
  EXPECT_EQ(server_->timeout_ms(), -1);
}

TEST_F(ControlServerTest, WhatIsNotUnderstoodIsAnsweredWithTheReason) {
  EXPECT_THAT(ask("nonsense\n").value(), HasSubstr("not understood"));
  EXPECT_THAT(ask("\n").value(), HasSubstr("not understood"));
  EXPECT_THAT(ask(std::string("\0\0\0\n", 4)).value(), HasSubstr("not understood"));
  EXPECT_EQ(handled_, 0);
}

TEST_F(ControlServerTest, AnEndlessLineIsRefusedAndNotRead) {
  EXPECT_THAT(ask(std::string(3'000'000, 'x')).value(), HasSubstr("too long"));
  EXPECT_EQ(client_count(), 0U);
}

TEST_F(ControlServerTest, ALineThatComesByteByByteIsOneLine) {
  const UniqueFd client = connect();
  for (const char byte : kStatus) {
    EXPECT_EQ(handled_, 0);
    write(client, std::string_view(&byte, 1));
    step();
  }
  EXPECT_EQ(read_all(client), reply_);
}

TEST_F(ControlServerTest, OnlyTheFirstLineOfAConnectionIsACommand) {
  const UniqueFd client = connect();
  write(client, kStatus + kStatus + kStatus);
  step();
  EXPECT_EQ(handled_, 1);
  EXPECT_EQ(read_all(client), reply_);
}

TEST_F(ControlServerTest, AHalfLineIsNeverCarriedOut) {
  UniqueFd client = connect();
  write(client, R"({"command":"upgrade"})");
  step();
  EXPECT_EQ(client_count(), 1U);
  ::shutdown(client.get(), SHUT_WR);
  step();
  EXPECT_THAT(read_all(client), HasSubstr("does not end"));
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(client_count(), 0U);
}

TEST_F(ControlServerTest, WhoSendsNothingIsDroppedAfterTwoSeconds) {
  const UniqueFd client = connect();
  step();
  ASSERT_EQ(client_count(), 1U);
  EXPECT_GT(server_->timeout_ms(), 0);
  EXPECT_LE(server_->timeout_ms(), 2001);
  EXPECT_TRUE(step_until([&] { return client_count() == 0; }));
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(server_->timeout_ms(), -1);
}

TEST_F(ControlServerTest, WhoDoesNotTakeTheAnswerHoldsNobodyUpAndIsDropped) {
  reply_ = ok_reply({{"long", std::string(900'000, 'x')}});
  const UniqueFd slow = connect();
  write(slow, kStatus);
  step();
  ASSERT_EQ(client_count(), 1U);  // waits to send the rest
  const auto other = ask();
  ASSERT_TRUE(other);
  EXPECT_EQ(*other + '\n', reply_);
  EXPECT_TRUE(step_until([&] { return client_count() == 0; }));
}

TEST_F(ControlServerTest, ALongAnswerReachesWhoReadsIt) {
  reply_ = ok_reply({{"long", std::string(kMaxReplyBytes - 100, 'x')}});
  const auto line = ask();
  ASSERT_TRUE(line);
  EXPECT_EQ(*line + '\n', reply_);
}

TEST_F(ControlServerTest, AClientThatVanishesLeavesNothing) {
  for (const std::string& sent : {std::string(), std::string("{\"comm"), kStatus}) {
    UniqueFd client = connect();
    if (!sent.empty()) write(client, sent);
    client.reset();
    step();
    step(0);
    EXPECT_EQ(client_count(), 0U) << sent;
  }
}

TEST_F(ControlServerTest, AFloodOfClientsDoesNotKeepOthersOut) {
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 100; ++i) {
    flood.push_back(connect());
    step();
    EXPECT_LE(client_count(), ControlServer::kMaxClients);
    if (i % 10 == 0) {
      EXPECT_TRUE(ask());
    }
  }
  EXPECT_EQ(client_count(), ControlServer::kMaxClients);
  const auto line = ask();
  ASSERT_TRUE(line);
  EXPECT_EQ(*line + '\n', reply_);
  // The oldest had to go.
  EXPECT_EQ(read_all(flood.front()), "");
  EXPECT_EQ(read_all(flood.back()), "<not closed>");
}

TEST_F(ControlServerTest, AFloodWithinOneTurnIsAnsweredAsWell) {
  std::vector<std::future<Result<std::string>>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return ask_view(path_, kStatus, 20'000); }));
  }
  step_until(
      [&] {
        return std::ranges::all_of(
            all, [](auto& asked) { return asked.wait_for(0s) == std::future_status::ready; });
      },
      20s);
  for (auto& asked : all) EXPECT_TRUE(asked.get());
  EXPECT_EQ(handled_, 100);
}

TEST_F(ControlServerTest, AnotherUserThanRootIsNotHeard) {
  // Somebody has opened the doors.
  fs::permissions(scratch_, fs::perms::all);
  fs::permissions(scratch_ / "cvfs", fs::perms::all);
  fs::permissions(path_, fs::perms::all);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(1500, 1500, 1500) < 0 || ::setresuid(1500, 1500, 1500) < 0) ::_exit(99);
    const auto line = ask_view(path_, kStatus, 10'000);
    ::_exit(line ? 0 : line.error().value);
  }
  writer.reset();
  char byte = 0;
  step_until([&] {
    pollfd end{reader.get(), POLLIN, 0};
    return ::poll(&end, 1, 0) == 1 && ::read(reader.get(), &byte, 1) == 0;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), ECONNRESET);
  EXPECT_EQ(handled_, 0);
}

TEST_F(ControlServerTest, ALateAnswerIsGivenByWhoTookTheConnectionOver) {
  UniqueFd taken;
  handler_ = [&](const ControlCommand& command, int client_fd) -> std::optional<std::string> {
    EXPECT_EQ(command.cvfsd, "/new/cvfsd");
    EXPECT_THAT(server_->descriptors(), testing::Contains(client_fd));
    taken.reset(client_fd);
    return {};
  };
  const UniqueFd client = connect();
  write(client, to_line({ControlVerb::kUpgrade, "/new/cvfsd"}));
  step();
  ASSERT_TRUE(taken);
  EXPECT_EQ(client_count(), 0U);
  EXPECT_EQ(server_->timeout_ms(), -1);
  EXPECT_EQ(read_all(client), "<not closed>");
  const UniqueFd copy(::fcntl(taken.get(), F_DUPFD_CLOEXEC, 0));
  send_reply(taken.get(), reply_);
  EXPECT_EQ(read_all(client), reply_);  // and it is closed, whoever has a copy
}

TEST_F(ControlServerTest, ALateAnswerToNobodyHarmsNothing) {
  UniqueFd taken;
  handler_ = [&](const ControlCommand&, int client_fd) -> std::optional<std::string> {
    taken.reset(client_fd);
    return {};
  };
  UniqueFd client = connect();
  write(client, kStatus);
  step();
  client.reset();
  send_reply(taken.get(), reply_);  // a SIGPIPE would end us
}

TEST_F(ControlServerTest, ALateAnswerThatNobodyTakesIsGivenUp) {
  UniqueFd taken;
  handler_ = [&](const ControlCommand&, int client_fd) -> std::optional<std::string> {
    taken.reset(client_fd);
    return {};
  };
  const UniqueFd client = connect();
  write(client, kStatus);
  step();
  send_reply(taken.get(), std::string(5'000'000, 'x'));  // returns
}

// What a worker does to descriptors that no table of its knows of.
TEST_F(ControlServerTest, AClientThatIsClosedUnderneathIsForgotten) {
  const UniqueFd client = connect();
  step();
  ASSERT_EQ(client_count(), 1U);
  const int fd = server_->descriptors().back();
  UniqueFd(fd).reset();
  EXPECT_TRUE(step_until([&] { return client_count() == 0; }));
  EXPECT_TRUE(ask());
}

TEST_F(ControlServerTest, ADescriptorThatIsAnotherFilesByNowIsLeftAlone) {
  const UniqueFd client = connect();
  step();
  const int fd = server_->descriptors().back();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  ASSERT_EQ(::dup3(reader.get(), fd, O_CLOEXEC), fd);
  reader.reset(fd);
  ASSERT_EQ(::write(writer.get(), "x", 1), 1);
  EXPECT_TRUE(step_until([&] { return client_count() == 0; }));
  char byte = 0;
  EXPECT_EQ(::read(fd, &byte, 1), 1);
}

TEST_F(ControlServerTest, AListeningSocketThatIsClosedUnderneathIsNotPolledForEver) {
  UniqueFd(server_->fd()).reset();
  step();
  EXPECT_EQ(server_->fd(), -1);
  EXPECT_FALSE(step(10));
  EXPECT_THAT(server_->descriptors(), IsEmpty());
}

TEST_F(ControlServerTest, WithoutAFreeDescriptorTheServerDoesNotSpin) {
  const UniqueFd client = connect();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  // Nothing is checked meanwhile: the sanitizers need descriptors, too.
  const rlimit none{3, limit.rlim_max};
  const int limited = ::setrlimit(RLIMIT_NOFILE, &none);
  std::vector<pollfd> polled;
  server_->add_to(polled);
  ::poll(polled.data(), polled.size(), 1000);
  server_->serve(polled, handler_);
  const int restored = ::setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_EQ(limited, 0);
  ASSERT_EQ(restored, 0);
  polled.clear();
  server_->add_to(polled);
  EXPECT_THAT(polled, IsEmpty());
  EXPECT_GT(server_->timeout_ms(), 0);
  write(client, kStatus);
  EXPECT_TRUE(step_until([&] { return handled_ == 1; }));
  EXPECT_EQ(read_all(client), reply_);
}

TEST_F(ControlServerTest, AnotherProcessGoesOnWithTheSocket) {
  const int inherited = ::fcntl(server_->fd(), F_DUPFD_CLOEXEC, 0);
  server_.reset();
  server_.emplace(ControlServer::adopt(inherited, path_));
  EXPECT_TRUE(ask());
}

TEST_F(ControlServerTest, AStaleSocketIsReplaced) {
  server_.reset();
  ASSERT_TRUE(fs::exists(path_));
  EXPECT_EQ(ask_view(path_, kStatus, 1000).error().value, ECONNREFUSED);
  auto server = ControlServer::listen(path_);
  ASSERT_TRUE(server);
  server_.emplace(std::move(*server));
  EXPECT_TRUE(ask());
}

// The number of a view that has ended is free, and the next view may listen before this one has
// put its things away.
TEST_F(ControlServerTest, TheSocketOfTheNextViewOfTheSameNumberStays) {
  auto next = ControlServer::listen(path_);
  ASSERT_TRUE(next);
  server_->remove();
  EXPECT_TRUE(fs::exists(path_));
  server_.emplace(std::move(*next));
  EXPECT_TRUE(ask());
}

TEST_F(ControlServerTest, AfterItsEndNobodyAnswers) {
  server_->remove();
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(ask_view(path_, kStatus, 1000).error().value, ENOENT);
  server_->remove();
}

TEST_F(ControlServerTest, ADirectoryThatOthersMayWriteToIsRefused) {
  const fs::path open = scratch_ / "open";
  fs::create_directory(open);
  fs::permissions(open, fs::perms::all);
  const auto refused = ControlServer::listen(open / "1.sock");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::kSystem);
  EXPECT_THAT(refused.error().message(), HasSubstr("others may write"));
  fs::permissions(open, fs::perms::owner_all);
  ASSERT_EQ(::chown(open.c_str(), 1500, 0), 0);
  EXPECT_FALSE(ControlServer::listen(open / "1.sock"));
}

TEST_F(ControlServerTest, WhatIsNoSocketIsNotReplaced) {
  const fs::path file = scratch_ / "cvfs" / "1.sock";
  std::ofstream(file) << "precious";
  EXPECT_FALSE(ControlServer::listen(file));
  EXPECT_EQ(fs::file_size(file), 8U);
  fs::remove(file);
  EXPECT_FALSE(ControlServer::listen(scratch_ / "cvfs" / std::string(200, 'x')));
}

TEST_F(ControlServerTest, AClientWaitsForAServerThatIsBusyAndNotForEver) {
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_view(path_, kStatus, 100).error().value, ETIMEDOUT);  // nobody steps
  std::vector<UniqueFd> backlog;
  for (int i = 0; i < 16; ++i) backlog.push_back(connect());
  EXPECT_EQ(ask_view(path_, kStatus, 100).error().value, ETIMEDOUT);  // it does not even connect
  EXPECT_LT(std::chrono::steady_clock::now() - started, 5s);
}

}  // namespace
}  // namespace cvfs
