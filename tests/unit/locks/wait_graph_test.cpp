#include "locks/wait_graph.h"

#include <gmock/gmock.h>

#include "lock_types.h"
#include "locks/circle_search.h"

namespace cvfs {
namespace {

GraphLock lock(const std::string& owner, std::uint64_t inode, LockType type, LockRange range = {}) {
  return {owner, 8, inode, range, type};
}

GraphWait wait(const std::string& owner, std::uint64_t inode, LockType type, std::uint64_t request,
               std::int64_t since, LockRange range = {}) {
  return {lock(owner, inode, type, range), request, since};
}

WaitGraph::Circle circle_of(const WaitGraph& graph, const GraphWait& wait) {
  return CircleSearch(graph).circle_of(wait);
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
  EXPECT_THAT(owners(circle_of(graph, graph.waits[0])), testing::ElementsAre("a", "b"));
  EXPECT_EQ(victim_of(circle_of(graph, graph.waits[0]))->wish.owner, "b");
}

// Eight hundred thousand pairs of a wait and a range on one file, asked for each wait.
TEST(WaitGraph, IsSearchedOnceForAll) {
  WaitGraph graph;
  constexpr std::uint64_t kMany = 1000;
  const auto name = [](std::uint64_t i) { return "/run/cvfs/control/" + std::to_string(i); };
  for (std::uint64_t i = 0; i < kMany; ++i) {
    for (std::uint64_t k = 0; k < 8; ++k) {
      graph.holds.push_back(lock(name(i), 1, kRead, {i * 100 + 2 * k, i * 100 + 2 * k}));
    }
    const LockRange next{(i + 1) * 100, (i + 1) * 100};
    graph.waits.push_back(wait(name(i), 1, kWrite, i + 1, static_cast<std::int64_t>(i), next));
  }
  const CircleSearch chain(graph);
  for (const GraphWait& one : graph.waits) ASSERT_TRUE(chain.circle_of(one).empty());
  graph.waits.back().wish.range = {0, 0};
  const CircleSearch circle(graph);
  EXPECT_EQ(circle.circle_of(graph.waits[5]).size(), kMany);
}

TEST(WaitGraph, AChainIsNone) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("b", 1, kWrite, 2, 10), wait("c", 2, kWrite, 4, 20)};
  for (const GraphWait& one : graph.waits) EXPECT_TRUE(circle_of(graph, one).empty());
}

TEST(WaitGraph, WhoOnlyLeadsToACircleIsNotInIt) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20),
                 wait("c", 1, kWrite, 6, 30)};
  EXPECT_TRUE(circle_of(graph, graph.waits[2]).empty());
}

TEST(WaitGraph, OnlyWhatIsInTheWayCounts) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kRead), lock("b", 2, kWrite, {0, 9})};
  graph.waits = {wait("a", 2, kWrite, 2, 10, {10, 19}), wait("b", 1, kRead, 4, 20)};
  for (const GraphWait& one : graph.waits) EXPECT_TRUE(circle_of(graph, one).empty());
}

TEST(WaitGraph, TwoReadersWhoWantToWriteAreACircle) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kRead), lock("b", 1, kRead)};
  graph.waits = {wait("a", 1, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20)};
  EXPECT_EQ(circle_of(graph, graph.waits[1]).size(), 2U);
}

TEST(WaitGraph, TheHostIsNeverTheVictim) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("host", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("host", 1, kWrite, 0, 20)};
  EXPECT_EQ(victim_of(circle_of(graph, graph.waits[0]))->wish.owner, "a");
}

TEST(WaitGraph, TheHostsWaitForAnotherLockIsAnotherOne) {
  const GraphWait before = wait("host", 1, kWrite, 0, 0, {0, 9});
  EXPECT_TRUE(before.is(wait("host", 1, kWrite, 0, 0, {0, 9})));
  EXPECT_FALSE(before.is(wait("host", 1, kWrite, 0, 0, {5, 9})));
  EXPECT_FALSE(before.is(wait("host", 2, kWrite, 0, 0, {0, 9})));
}

TEST(WaitGraph, ACircleOfOtherRequestsIsAnotherOne) {
  WaitGraph graph;
  graph.holds = {lock("a", 1, kWrite), lock("b", 2, kWrite)};
  graph.waits = {wait("a", 2, kWrite, 2, 10), wait("b", 1, kWrite, 4, 20)};
  const auto before = circle_of(graph, graph.waits[0]);
  EXPECT_TRUE(is_same(before, circle_of(graph, graph.waits[1])));
  graph.waits[1].request = 6;
  EXPECT_FALSE(is_same(before, circle_of(graph, graph.waits[0])));
}

}  // namespace
}  // namespace cvfs
