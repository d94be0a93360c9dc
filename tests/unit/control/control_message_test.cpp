#include "control/control_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cvfs {
namespace {

using testing::HasSubstr;

std::string why_refused(std::string_view line) {
  const auto command = parse_command(line);
  if (command) return "";
  EXPECT_EQ(command.error().code, ExitCode::kUsage) << line;
  return command.error().message();
}

TEST(ControlMessage, AStatusIsUnderstood) {
  const auto command = parse_command(R"({"command":"status"})");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->verb, ControlVerb::kStatus);
}

TEST(ControlMessage, AnUpgradeIsUnderstoodWithAndWithoutABuild) {
  const auto plain = parse_command(R"({"command":"upgrade"})");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->verb, ControlVerb::kUpgrade);
  EXPECT_EQ(plain->cvfsd, "");
  const auto with_build = parse_command(R"( {"cvfsd" : "/opt/a b", "command":"upgrade"} )");
  ASSERT_TRUE(with_build);
  EXPECT_EQ(with_build->cvfsd, "/opt/a b");
}

TEST(ControlMessage, WhatAClientWritesIsWhatTheViewReads) {
  for (const ControlCommand& sent : {ControlCommand{ControlVerb::kStatus, ""},
                                     ControlCommand{ControlVerb::kUpgrade, "/new\n/\"cvfsd"}}) {
    std::string line = to_line(sent);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    line.pop_back();
    const auto read = parse_command(line);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->verb, sent.verb);
    EXPECT_EQ(read->cvfsd, sent.cvfsd);
  }
}

TEST(ControlMessage, WhatIsNoJsonObjectIsRefused) {
  for (const std::string line :
       {"", " ", "status", "{", "}", "[]", "null", "1", "\"status\"", R"({"command":"status"}})",
        R"({"command":"status")", R"({command:"status"})", "\xff\xfe{}", "GET / HTTP/1.1\r"}) {
    EXPECT_THAT(why_refused(line), HasSubstr("not understood")) << line;
  }
  EXPECT_THAT(why_refused(std::string(100, '\0')), HasSubstr("not understood"));
  const std::string with_nul("{\"command\":\"status\"}\0", 21);
  EXPECT_THAT(why_refused(with_nul), HasSubstr("not understood"));
}

TEST(ControlMessage, DeepNestingIsRefusedAndHarmsNothing) {
  EXPECT_NE(why_refused(std::string(kMaxCommandBytes, '[')), "");
  EXPECT_NE(why_refused(std::string(2048, '[') + std::string(2048, ']')), "");
  std::string objects;
  for (int i = 0; i < 600; ++i) objects += "{\"a\":";
  EXPECT_NE(why_refused(objects + "1" + std::string(600, '}')), "");
}

TEST(ControlMessage, ALineThatIsTooLongIsRefusedUnread) {
  const std::string start = R"({"command":"status")";
  const std::string fits = start + std::string(kMaxCommandBytes - start.size() - 1, ' ') + '}';
  EXPECT_TRUE(parse_command(fits));
  EXPECT_THAT(why_refused(fits + ' '), HasSubstr("too long"));
}

TEST(ControlMessage, WrongTypesAndUnknownWordsAreNamed) {
  EXPECT_THAT(why_refused("{}"), HasSubstr("no \"command\""));
  EXPECT_THAT(why_refused(R"({"command":7})"), HasSubstr("command: is not a string"));
  EXPECT_THAT(why_refused(R"({"command":["status"]})"), HasSubstr("is not a string"));
  EXPECT_EQ(why_refused(R"({"command":"stop"})"),
            "stop: this view does not know the command\n  try: status, upgrade, locks, waits, "
            "metrics, set");
  EXPECT_THAT(why_refused(R"({"command":"upgrade","cvfsd":1})"), HasSubstr("is not a string"));
  EXPECT_THAT(why_refused(R"({"command":"upgrade","cvfsd":"cvfsd"})"),
              HasSubstr("not an absolute path"));
  EXPECT_THAT(why_refused(R"({"command":"upgrade","cvfsd":"/a\u0000b"})"),
              HasSubstr("not an absolute path"));
}

// A newer cvfs means something by it: an upgrade that passes over half of what was said is none.
TEST(ControlMessage, AnArgumentThatTheCommandDoesNotHaveIsRefused) {
  EXPECT_THAT(why_refused(R"({"command":"upgrade","when":"idle"})"),
              HasSubstr("when: this view does not know the argument"));
  EXPECT_NE(why_refused(R"({"command":"status","cvfsd":"/x"})"), "");
}

TEST(ControlMessage, ARefusalNeverRepeatsControlCharacters) {
  const std::string message = why_refused(R"({"command":"a\u001b[31m\nb"})");
  EXPECT_EQ(message.find('\033'), std::string::npos);
  EXPECT_THAT(message, HasSubstr("a?[31m?b: "));
}

TEST(ControlMessage, AnAnswerComesBackAsItWasGiven) {
  const auto reply = parse_reply(ok_reply({{"from", "0.1.0"}, {"pause_us", 21000}}));
  ASSERT_TRUE(reply);
  EXPECT_EQ((*reply)["from"], "0.1.0");
  EXPECT_EQ((*reply)["pause_us"], 21000);
}

TEST(ControlMessage, ARefusalComesBackAsItWasGiven) {
  const OperatorError sent{ExitCode::kSystem, "/opt/cvfsd", "cannot be run", "chmod +x it"};
  const auto reply = parse_reply(error_reply(sent));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, sent.code);
  EXPECT_EQ(reply.error().message(), sent.message());
}

TEST(ControlMessage, AnAnswerWithBytesThatAreNoUtf8IsStillALineOfJson) {
  const std::string line = ok_reply({{"target", "/srv/\xff\n"}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto reply = parse_reply(line);
  ASSERT_TRUE(reply);
  EXPECT_EQ((*reply)["target"], "/srv/\xef\xbf\xbd\n");
}

TEST(ControlMessage, WhatIsNoAnswerIsADefect) {
  for (const char* line : {"", "{}", "[]", "true", R"({"ok":1})", R"({"ok":"true"})", "{\"ok\":"}) {
    const auto reply = parse_reply(line);
    ASSERT_FALSE(reply) << line;
    EXPECT_EQ(reply.error().code, ExitCode::kInternal);
  }
}

TEST(ControlMessage, ARefusalOfAnotherShapeIsARefusalAllTheSame) {
  for (const char* line : {R"({"ok":false})", R"({"ok":false,"error":[]})",
                           R"({"ok":false,"error":{"code":0,"what":1}})",
                           R"({"ok":false,"error":{"code":18446744073709551615}})",
                           R"({"ok":false,"error":{"code":"32"}})"}) {
    const auto reply = parse_reply(line);
    ASSERT_FALSE(reply) << line;
    EXPECT_EQ(reply.error().code, ExitCode::kInternal) << line;
    EXPECT_NE(reply.error().what, "") << line;  // found by fuzz_control_messages
  }
}

TEST(ControlMessage, AnAnswerThatIsNestedTooDeepIsCut) {
  const std::string deep(100'000, '[');
  const auto reply =
      parse_reply(R"({"ok":true,"view":)" + deep + std::string(deep.size(), ']') + "}");
  ASSERT_TRUE(reply);
  EXPECT_LT(to_text(*reply).size(), 100U);
}

}  // namespace
}  // namespace cvfs
