// The commands as an operator sees them, against real sockets and mounts: what is printed, where,
// and the exit code.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "cli/command_line.h"
#include "control/socket_address.h"
#include "private_views.h"

namespace cvfs {
namespace {

using testing::HasSubstr;

struct Printed {
  int code;
  std::string out;
  std::string err;
};

Printed cvfs(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"cvfs"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_cvfs(static_cast<int>(argv.size()), argv.data(), "0.1.0", {out, err});
  return {code, out.str(), err.str()};
}

Json status_of(const std::string& source, const std::string& target) {
  return {{"id", 0},
          {"source", source},
          {"target", target},
          {"owner", "map"},
          {"userns", "@dockremap"},
          {"version", "0.1.0"},
          {"since", 1790000000},
          {"processes", {{"supervisor", 101}, {"standby", 102}, {"worker", 103}}},
          {"restarts",
           {{"worker", 3},
            {"supervisor", 1},
            {"upgrades", 2},
            {"hung", 0},
            {"longest_pause_us", 24000}}},
          {"events",
           {{{"at", 1790000100}, {"what", "worker"}, {"why", "Killed"}, {"pause_us", 16000}},
            {{"at", 1790003700}, {"what", "upgrade"}, {"why", "0.1.0"}, {"pause_us", 9400}},
            {{"at", 1790090100}, {"what", "supervisor"}, {"why", "Aborted"}}}},
          {"requests", {{"answered", 123456}, {"resent", 12}, {"failed", 0}}},
          {"inodes", 1234},
          {"open_files", 12},
          {"passthrough", true},
          {"fuse", "7.45"},
          {"cache", "ttl:1"},
          {"build", "/usr/sbin/cvfsd"}};
}

std::string status_reply(const std::string& source, const std::string& target) {
  return ok_reply({{"view", status_of(source, target)}});
}

class Command : public PrivateViews {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    PrivateViews::SetUp();
  }

  // A number of the machine's choosing, as wide as the column that it stands in.
  static std::string cell(const std::string& text, std::uint32_t id) {
    const std::size_t width = std::max<std::size_t>(2, std::to_string(id).size());
    return text + std::string(width - text.size(), ' ');
  }
  static std::string cell(std::uint32_t id) { return cell(std::to_string(id), id); }
};

TEST_F(Command, WithoutAViewThereIsNothingToShow) {
  const Printed shown = cvfs({"status"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.out, "no views\n");
  EXPECT_EQ(shown.err, "");
  EXPECT_EQ(cvfs({"status", "--json"}).out, "[]\n");
  EXPECT_EQ(cvfs({"upgrade"}).out, "no views\n");
  EXPECT_EQ(cvfs({"upgrade", "--json"}).out, "[]\n");
}

TEST_F(Command, AllViewsAreATable) {
  const auto first = mount("toto", "/run/srv/toto");
  const auto second = mount("titi:/var log", "/run/srv/titi é");
  answer(first, status_reply("toto", "/run/srv/toto"));
  answer(second, ok_reply({{"view", {{"version", "0.0.9"}}}}));
  const Printed shown = cvfs({"status"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.err, "");
  // By their numbers, of which the second may be the lower one.
  std::vector<std::pair<std::uint32_t, std::string>> rows = {
      {first,
       "  /run/srv/toto    toto           map    @dockremap  0.1.0    2026-09-21 14:13  4         "
       "24 "
       "ms  serves\n"},
      {second,
       "  /run/srv/titi é  titi:/var log  -      -           0.0.9    -                 -         "
       "-  "
       "    answers\n"}};
  std::ranges::sort(rows);
  std::string wanted = cell("ID", std::max(first, second)) +
                       "  TARGET           SOURCE         OWNER  USERNS      VERSION  SINCE        "
                       "     RESTARTS  PAUSE  STATE\n";
  for (const auto& [id, row] : rows) wanted += cell(id) + row;
  EXPECT_EQ(shown.out, wanted);
}

TEST_F(Command, ANamedViewIsShownWhole) {
  const auto id = mount("toto", "/run/srv/toto");
  answer(id, status_reply("toto", "/run/srv/toto"));
  const std::string expected = "/run/srv/toto (view " + std::to_string(id) + R"()
  state          serves
  source         toto
  owner          map
  userns         @dockremap
  version        0.1.0 (/usr/sbin/cvfsd)
  since          2026-09-21 14:13:20
  processes      supervisor 101, standby 102, worker 103
  restarts       worker 3, supervisor 1, hung 0, upgrades 2
  longest pause  24 ms
  requests       123456 answered, 12 resent, 0 failed
  inodes         1234
  open files     12
  passthrough    on
  cache          ttl:1
  FUSE           7.45
  last events
    2026-09-21 14:15:00  worker      Killed   16 ms
    2026-09-21 15:15:00  upgrade     0.1.0    9.4 ms
    2026-09-22 15:15:00  supervisor  Aborted  -
)";
  for (const std::string& name : {std::string("/run/srv/toto"), std::string("toto"),
                                  std::to_string(id), std::string("/run/srv/../srv/toto/")}) {
    const Printed shown = cvfs({"status", name});
    EXPECT_EQ(shown.code, 0) << name;
    EXPECT_EQ(shown.out, expected) << name;
    EXPECT_EQ(shown.err, "");
  }
}

TEST_F(Command, AViewThatIsNamedTwiceIsShownOnce) {
  const auto id = mount("toto", "/run/srv/toto");
  answer(id, status_reply("toto", "/run/srv/toto"));
  EXPECT_EQ(cvfs({"status", "toto", "/run/srv/toto"}).out, cvfs({"status", "toto"}).out);
}

TEST_F(Command, JsonIsWhatTheViewSays) {
  const auto id = mount("toto", "/run/srv/toto");
  answer(id, status_reply("toto", "/run/srv/toto"));
  const Printed shown = cvfs({"status", "--json"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(Json::parse(shown.out), Json::array({status_of("toto", "/run/srv/toto")}));
  EXPECT_EQ(cvfs({"status", "--json", "toto"}).out, shown.out);
}

TEST_F(Command, ADeadViewIsShownAsDeadWithWhatToDo) {
  const auto dead = mount("toto", "/run/srv/toto");
  const auto alive = mount("titi", "/run/srv/titi");
  answer(alive, status_reply("titi", "/run/srv/titi"));
  // Its socket is there, and nobody listens at it.
  const UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::of(control_socket_of(dead));
  ASSERT_EQ(::bind(stale.get(), address->get(), SocketAddress::size()), 0);
  const Printed shown = cvfs({"status"});
  EXPECT_EQ(shown.code, 32);
  EXPECT_THAT(shown.out, HasSubstr("  /run/srv/toto  toto    -      -           -"));
  EXPECT_THAT(shown.out, HasSubstr("  dead\n"));
  EXPECT_THAT(shown.out, HasSubstr("  serves\n"));
  const std::string error =
      "cvfs: /run/srv/toto: its processes are gone\n"
      "  try: umount /run/srv/toto, and mount it again\n";
  EXPECT_EQ(shown.err, error);
  const Printed named = cvfs({"status", "toto"});
  EXPECT_EQ(named.code, 32);
  EXPECT_EQ(named.out, "");
  EXPECT_EQ(named.err, error);
  const Json json = Json::parse(cvfs({"status", "--json", "toto"}).out);
  EXPECT_EQ(json[0]["target"], "/run/srv/toto");
  EXPECT_EQ(json[0]["error"]["code"], 32);
}

TEST_F(Command, AViewWithoutASocketMayBeServedAllTheSame) {
  ASSERT_NE(mount("toto", "/run/srv/toto"), 0U);
  const Printed shown = cvfs({"status"});
  EXPECT_EQ(shown.code, 32);
  EXPECT_THAT(shown.out, HasSubstr("  no answer\n"));
  EXPECT_EQ(shown.err,
            "cvfs: /run/srv/toto: has no control socket; whether it is served, nobody says\n"
            "  try: journalctl -t cvfsd\n");
}

TEST_F(Command, ASocketThatAnUnmountedViewLeftIsNoView) {
  std::filesystem::create_directories(kControlDirectory);
  const UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::of(control_socket_of(4294967295));
  ASSERT_EQ(::bind(stale.get(), address->get(), SocketAddress::size()), 0);
  std::ofstream(std::string(kControlDirectory) + "/notes.txt") << "no socket";
  EXPECT_EQ(cvfs({"status"}).out, "no views\n");
  EXPECT_EQ(cvfs({"upgrade"}).out, "no views\n");
  EXPECT_EQ(cvfs({"status", "4294967295"}).err,
            "cvfs: view 4294967295: its processes are gone\n  try: rm "
            "/run/cvfs/4294967295.sock\n");
}

TEST_F(Command, AViewOfAnotherMountNamespaceIsFoundByItsSocket) {
  answer(4294967294, status_reply("toto:/data", "/elsewhere"));
  const Printed shown = cvfs({"status"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("4294967294  /elsewhere  toto:/data  map"));
}

// Nobody answers the kernel either: whoever touches the mount point waits for ever.
TEST_F(Command, AViewThatHangsIsReportedWithoutTouchingIt) {
  const auto id = mount("toto", "/run/srv/toto");
  serve(id, [](const ControlCommand&, int) -> std::optional<std::string> { return {}; });
  const Printed shown = cvfs({"status", "/run/srv/toto"});
  EXPECT_EQ(shown.code, 32);
  EXPECT_EQ(shown.err,
            "cvfs: /run/srv/toto: gives no answer within 5 s\n  try: journalctl -t cvfsd\n");
}

// The process that was asked has died over it, and another serves.
TEST_F(Command, AnAnswerThatIsCutOffIsAskedForOnceMore) {
  const auto id = mount("toto", "/run/srv/toto");
  int asked = 0;
  serve(id, [&](const ControlCommand&, int client_fd) -> std::optional<std::string> {
    if (++asked > 1) return status_reply("toto", "/run/srv/toto");
    UniqueFd(client_fd).reset();
    return {};
  });
  EXPECT_EQ(cvfs({"status", "toto"}).code, 0);
  EXPECT_EQ(asked, 2);
}

TEST_F(Command, AnswersThatMakeNoSenseAreShownAsUnknownOrRefused) {
  const auto id = mount("toto", "/run/srv/toto");
  for (const std::string& reply :
       {ok_reply(Json::object()), ok_reply({{"view", 7}}), ok_reply({{"view", Json::array({1})}}),
        ok_reply({{"view", {{"events", "none"}, {"restarts", 3}, {"requests", nullptr}}}}),
        ok_reply({{"view", {{"events", {1, "x", nullptr, Json::object()}}}}}),
        ok_reply({{"view", {{"since", -1}, {"restarts", {{"longest_pause_us", -5}}}}}}),
        ok_reply({{"view", {{"since", UINT64_MAX}, {"restarts", {{"worker", "\033[2J"}}}}}})}) {
    const ServedSocket socket(id,
                              [reply](const ControlCommand&, int) { return std::optional(reply); });
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"status"}, {"status", "toto"}, {"status", "--json"}, {"upgrade"}}) {
      const Printed shown = cvfs(arguments);
      EXPECT_EQ(shown.code, 0) << reply;
      EXPECT_EQ(shown.out.find('\033'), std::string::npos) << shown.out;
    }
  }
  for (const std::string reply : {"\n", "{}\n", "nonsense\n", "[1]\n"}) {
    const ServedSocket socket(id,
                              [reply](const ControlCommand&, int) { return std::optional(reply); });
    const Printed shown = cvfs({"status", "toto"});
    EXPECT_EQ(shown.code, 4) << reply;
    EXPECT_THAT(shown.err, HasSubstr("cvfs: /run/srv/toto: answers what this cvfs cannot read"));
  }
}

TEST_F(Command, AnUpgradeSaysFromWhatToWhatAndHowLongItPaused) {
  const auto id = mount("toto", "/run/srv/toto");
  std::string cvfsd;
  serve(id, [&](const ControlCommand& command, int) {
    EXPECT_EQ(command.verb, ControlVerb::kUpgrade);
    cvfsd = command.cvfsd;
    return std::optional(ok_reply({{"from", "0.1.0"}, {"to", "0.2.0"}, {"pause_us", 21000}}));
  });
  const Printed shown = cvfs({"upgrade", "toto"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.out, "/run/srv/toto: 0.1.0 -> 0.2.0, paused 21 ms\n");
  EXPECT_EQ(cvfsd, "");
  EXPECT_EQ(cvfs({"upgrade", "toto", "--cvfsd", "/opt/cvfsd"}).code, 0);
  EXPECT_EQ(cvfsd, "/opt/cvfsd");
  // The view's directory is another one.
  EXPECT_EQ(cvfs({"upgrade", "--cvfsd=new/cvfsd"}).code, 0);
  EXPECT_EQ(cvfsd, (std::filesystem::current_path() / "new/cvfsd").string());
  EXPECT_EQ(Json::parse(cvfs({"upgrade", "--json"}).out), Json::array({{{"id", id},
                                                                        {"source", "toto"},
                                                                        {"target", "/run/srv/toto"},
                                                                        {"from", "0.1.0"},
                                                                        {"to", "0.2.0"},
                                                                        {"pause_us", 21000}}}));
}

TEST_F(Command, ARefusedUpgradeDoesNotKeepTheOthersBack) {
  const auto first = mount("toto", "/run/srv/toto");
  const auto dead = mount("tata", "/run/srv/tata");
  const auto last = mount("titi", "/run/srv/titi");
  ASSERT_NE(dead, 0U);
  answer(first, error_reply({ExitCode::kSystem, "/opt/cvfsd", "cannot be run: Permission denied",
                             "chmod +x /opt/cvfsd"}));
  answer(last, ok_reply({{"from", "0.1.0"}, {"to", "0.2.0"}, {"pause_us", 950}}));
  const Printed shown = cvfs({"upgrade", "--cvfsd", "/opt/cvfsd"});
  EXPECT_EQ(shown.code, 2);
  EXPECT_EQ(shown.out, "/run/srv/titi: 0.1.0 -> 0.2.0, paused 0.9 ms\n");
  EXPECT_EQ(shown.err,
            "cvfs: /run/srv/toto: /opt/cvfsd: cannot be run: Permission denied\n"
            "  try: chmod +x /opt/cvfsd\n"
            "cvfs: /run/srv/tata: has no control socket; whether it is served, nobody says\n"
            "  try: journalctl -t cvfsd\n");
}

TEST_F(Command, ANameThatIsNoViewIsRefusedBeforeAnythingIsDone) {
  const auto id = mount("toto", "/run/srv/toto");
  int asked = 0;
  serve(id, [&](const ControlCommand&, int) {
    ++asked;
    return std::optional(ok_reply(Json::object()));
  });
  const Printed shown = cvfs({"upgrade", "toto", "/run/srv/totto"});
  EXPECT_EQ(shown.code, 32);
  EXPECT_EQ(shown.out, "");
  EXPECT_EQ(shown.err, "cvfs: /run/srv/totto: no such view\n  try: cvfs status /run/srv/toto\n");
  EXPECT_EQ(asked, 0);
}

// ---- the command line ----

TEST(CommandLine, MistakesAreOneLineAndAHint) {
  const auto refused = [](const std::vector<std::string>& arguments) {
    const Printed shown = cvfs(arguments);
    EXPECT_EQ(shown.code, 1);
    EXPECT_EQ(shown.out, "");
    return shown.err;
  };
  EXPECT_EQ(refused({}), "cvfs: which command?\n  try: cvfs --help\n");
  EXPECT_EQ(refused({"stauts"}), "cvfs: stauts: no such command\n  try: cvfs status\n");
  EXPECT_EQ(refused({"frobnicate"}), "cvfs: frobnicate: no such command\n  try: cvfs --help\n");
  EXPECT_EQ(refused({"--verbose"}), "cvfs: --verbose: no such option\n  try: cvfs --help\n");
  EXPECT_EQ(refused({"--verison"}), "cvfs: --verison: no such option\n  try: cvfs --version\n");
  EXPECT_EQ(refused({"status", "--jsn"}),
            "cvfs: --jsn: no such option\n  try: cvfs status --json\n");
  EXPECT_EQ(refused({"upgrade", "--cvsfd=/opt"}),
            "cvfs: --cvsfd: no such option\n  try: cvfs upgrade --cvfsd\n");
  EXPECT_EQ(refused({"tenant"}),
            "cvfs: tenant: which of its commands?\n  try: cvfs tenant --help\n");
  EXPECT_EQ(refused({"tenant", "ad", "toto"}),
            "cvfs: ad: no such command\n  try: cvfs tenant add\n");
  EXPECT_THAT(refused({"upgrade", "--cvfsd"}), HasSubstr("  try: cvfs upgrade --help\n"));
}

TEST(CommandLine, HelpNamesTheCommandsTheirOptionsAndTheExitCodes) {
  const Printed help = cvfs({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"status", "upgrade", "Exit codes", "32"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
  EXPECT_THAT(cvfs({"status", "--help"}).out, HasSubstr("--json"));
  EXPECT_THAT(cvfs({"upgrade", "--help"}).out, HasSubstr("--cvfsd"));
  EXPECT_EQ(cvfs({"--version"}).out, "cvfs 0.1.0\n");
}

}  // namespace
}  // namespace cvfs
