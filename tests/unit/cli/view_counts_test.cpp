#include "cli/view_counts.h"

#include <gtest/gtest.h>

#include "cli/http_exchange.h"
#include "cli/prometheus_text.h"
#include "cli/top_text.h"

namespace cvfs {
namespace {

ViewAnswer answer_of(Json metrics) {
  RunningView view;
  view.id = 53;
  return {view, Json{{"ok", true}, {"metrics", std::move(metrics)}}};
}

TEST(ViewCounts, WhatAViewSaysThatMakesNoSenseIsNothing) {
  for (const Json& metrics :
       {Json(), Json(7), Json{{"operations", 3}}, Json{{"operations", {{"OPEN", "x"}}}},
        Json{{"operations", {{"OPEN", {{"buckets", {1, -1, "x", nullptr}}, {"errors", 3}}}}}},
        Json{{"callers", {1, Json::array({"x", nullptr}), Json::array({-4, -5})}}},
        Json{{"operations", {{"OPEN", {{"buckets", std::vector<int>(1000, 1)}}}}}},
        Json{{"restarts", "x"}, {"inodes", -1}, {"target", "\xff\n\033[2J"}}}) {
    const std::vector<ViewAnswer> answers = {answer_of(metrics)};
    const std::string text = prometheus_text(answers);
    EXPECT_NE(text.find("cvfs_up{view="), std::string::npos);
    EXPECT_EQ(text.find('\033'), std::string::npos);
    EXPECT_EQ(all_operations(counts_in(metrics), {}).answered, 0U);
  }
}

TEST(ViewCounts, LatenciesAreReadAsPrometheusReadsThem) {
  EXPECT_EQ(latency_at({}, 0.5), 0);
  EXPECT_EQ(latency_at({0, 0, 0}, 0.5), 0);
  // 100 that took 4 to 8 us: half of them less than 6.
  EXPECT_DOUBLE_EQ(latency_at({0, 0, 0, 100}, 0.5), 6e-6);
  EXPECT_DOUBLE_EQ(latency_at({0, 0, 0, 99, 0, 0, 1}, 0.99), 8e-6);
}

TEST(ViewCounts, OfAViewThatWasMountedAnewAllIsNew) {
  ViewCounts before;
  before.operations["OPEN"].answered = 1000;
  ViewCounts now;
  now.operations["OPEN"].answered = 10;
  EXPECT_EQ(all_operations(now, before).answered, 10U);
}

TEST(PrometheusText, TwoViewsOfOneNameAreTwoSeries) {
  const Json metrics = {{"target", "/srv/a\"b\n"}, {"source", "toto"}};
  const std::string text = prometheus_text({answer_of(metrics), answer_of(metrics)});
  const std::string first = "cvfs_up{view=\"/srv/a\\\"b?\",source=\"toto\"} 1";
  const std::string second = "cvfs_up{view=\"/srv/a\\\"b? (view 53)\",source=\"toto\"} 1";
  EXPECT_NE(text.find(first), std::string::npos) << text;
  EXPECT_NE(text.find(second), std::string::npos) << text;
}

TEST(HttpExchange, AnswersWhatItServesAndRefusesTheRest) {
  int asked = 0;
  const auto body = [&] { return "body " + std::to_string(++asked) + "\n"; };
  const auto first_line = [&](const std::string& head) {
    const std::string answer = http_answer(head, "/metrics", body);
    return answer.substr(0, answer.find('\r'));
  };
  EXPECT_EQ(first_line("GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK");
  EXPECT_EQ(first_line("GET /metrics?x=1 HTTP/1.0\n\n"), "HTTP/1.1 200 OK");
  EXPECT_EQ(http_answer("HEAD /metrics HTTP/1.1\r\n\r\n", "/metrics", body).find("body"),
            std::string::npos);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(first_line("GET /metricsx HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(first_line("PUT /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(first_line("GET /metrics\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(std::string("\0\xff", 2)), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(std::string(10'000, 'x')), "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(asked, 3);
}

TEST(TopText, NumbersAndTimesAreShort) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(2.34), "2.3");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(40'123), "40k");
  EXPECT_EQ(short_number(1'234'567), "1.2M");
  EXPECT_EQ(short_time(0), "-");
  EXPECT_EQ(short_time(35e-6), "35 us");
  EXPECT_EQ(short_time(1.24e-3), "1.2 ms");
  EXPECT_EQ(short_time(1.5), "1.5 s");
}

}  // namespace
}  // namespace cvfs
