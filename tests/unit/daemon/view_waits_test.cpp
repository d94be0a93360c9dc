#include "daemon/view_waits.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace cvfs {
namespace {

TEST(ViewWaits, WhatAViewSaysIsWhatAnotherOneHears) {
  WaitGraph graph;
  graph.holds = {{"a/1", 8, 12, {0, LockRange::kEnd}, LockType::kWrite}};
  graph.waits = {{{"a/2", 8, 12, {3, 4}, LockType::kRead}, 18446744073709551614U, -5}};
  const WaitGraph heard = wait_graph_from(to_json(graph));
  ASSERT_EQ(heard.holds.size(), 1U);
  EXPECT_EQ(heard.holds[0].owner, "a/1");
  EXPECT_EQ(heard.holds[0].inode, 12U);
  EXPECT_EQ(heard.holds[0].range, (LockRange{0, LockRange::kEnd}));
  EXPECT_EQ(heard.holds[0].type, LockType::kWrite);
  ASSERT_EQ(heard.waits.size(), 1U);
  EXPECT_EQ(heard.waits[0].request, 18446744073709551614U);
  EXPECT_EQ(heard.waits[0].since, -5);
  EXPECT_EQ(heard.waits[0].wish.type, LockType::kRead);
}

TEST(ViewWaits, WhatIsNotAsItShouldBeSaysNothing) {
  using nlohmann::json;
  for (const char* text : {"null", "[]", "{}", R"({"holds":[]})", R"({"holds":[1],"waits":[]})",
                           R"({"holds":[],"waits":[[["a",1,2,3,4,5],6,7]]})",
                           R"({"holds":[["a"]],"waits":[]})", R"({"holds":{"x":[]},"waits":3})"}) {
    const WaitGraph heard = wait_graph_from(json::parse(text));
    EXPECT_TRUE(heard.holds.empty() && heard.waits.empty()) << text;
  }
}

}  // namespace
}  // namespace cvfs
