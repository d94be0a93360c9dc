#include "locks/wait_graph.h"

#include <gmock/gmock.h>

#include "lock_types.h"

namespace cvfs {
namespace {

GraphLock lock(const std::string& owner, std::uint64_t inode, LockType type, LockRange range = {}) {
  return {owner, 8, inode, range, type};
}

GraphWait wait(const std::string& owner, std::uint64_t inode, LockType type, std::uint64_t request,
               std::int64_t since, LockRange range = {}) {
  return {lock(owner, inode, type, range), request, since};
}

std::vector<std::string> owners(const WaitGraph::Circle& circle) {
  std::vector<std::string> names;
  for (const GraphWait& wait : circle) names.push_back(wait.wish.owner);
  return names;
}

TEST(WaitGraph, TwoThatWaitForEachOtherAreACircle) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20)};
  EXPECT_THAT(owners(graph.circle_of(graph.waits[0])), testing::ElementsAre("a", "b"));
  EXPECT_EQ(victim_of(graph.circle_of(graph.waits[0]))->wish.owner, "b");
}

TEST(WaitGraph, AChainIsNone) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("b", 1, kWrite, 2, 10), wait("c", 2, kWrite, 4, 20)};
  for (const GraphWait& one : graph.waits) EXPECT_TRUE(graph.circle_of(one).empty());
}

TEST(WaitGraph, WhoOnlyLeadsToACircleIsNotInIt) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20),
                 wait("c", 1, kWrite, 6, 30)};
  EXPECT_TRUE(graph.circle_of(graph.waits[2]).empty());
}

TEST(WaitGraph, OnlyWhatIsInTheWayCounts) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kRead), lock("b", 2, kWrite, {0, 9})};
  graph.waits = {wait("a", 2, kWrite, 2, 10, {10, 19}), wait("b", 1, kRead, 4, 20)};
  for (const GraphWait& one : graph.waits) EXPECT_TRUE(graph.circle_of(one).empty());
}

TEST(WaitGraph, TwoReadersWhoWantToWriteAreACircle) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kRead), lock("b", 1, kRead)};
  graph.waits = {wait("a", 1, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20)};
  EXPECT_EQ(graph.circle_of(graph.waits[1]).size(), 2U);
}

TEST(WaitGraph, TheHostIsNeverTheVictim) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("host", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("host", 1, kWrite, 0, 20)};
  EXPECT_EQ(victim_of(graph.circle_of(graph.waits[0]))->wish.owner, "a");
}

TEST(WaitGraph, ACircleOfOtherRequestsIsAnotherOne) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20)};
  const auto before = graph.circle_of(graph.waits[0]);
  EXPECT_TRUE(is_same(before, graph.circle_of(graph.waits[1])));
  graph.waits[1].request = 6;
  EXPECT_FALSE(is_same(before, graph.circle_of(graph.waits[0])));
}

}  // namespace
}  // namespace cvfs
