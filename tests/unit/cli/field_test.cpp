#include "cli/field.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/table.h"

namespace cvfs {
namespace {

std::string pause(std::int64_t us) {
  const Json value = us;
  return pause_of(&value);
}

TEST(Field, WhatIsMissingOrOfAnotherTypeIsUnknown) {
  const Json view = {{"restarts", {{"worker", 3}}}, {"list", {1, 2}}, {"nothing", nullptr}};
  EXPECT_EQ(text_of(field(view, {"restarts", "worker"})), "3");
  EXPECT_EQ(text_of(field(view, {"restarts", "hung"})), "-");
  EXPECT_EQ(text_of(field(view, {"restarts", "worker", "deeper"})), "-");
  EXPECT_EQ(text_of(field(view, {"list"})), "-");
  EXPECT_EQ(text_of(field(view, {"nothing"})), "-");
  EXPECT_EQ(text_of(field(Json(7), {"x"})), "-");
  EXPECT_EQ(pause_of(field(view, {"list"})), "-");
  EXPECT_EQ(time_of(field(view, {"list"})), "-");
}

TEST(Field, NumbersThatFitNowhereAreUnknown) {
  const Json large = UINT64_MAX;
  EXPECT_FALSE(number_of(&large));
  EXPECT_EQ(text_of(&large), "18446744073709551615");
  const Json far = INT64_MAX;
  EXPECT_EQ(time_of(&far), "-");
  const Json real = 1.5;
  EXPECT_FALSE(number_of(&real));
  EXPECT_EQ(text_of(&real), "1.5");
}

TEST(Field, APauseHasTheDigitsThatMatter) {
  EXPECT_EQ(pause(0), "0.0 ms");
  EXPECT_EQ(pause(940), "0.9 ms");
  EXPECT_EQ(pause(9'400), "9.4 ms");
  EXPECT_EQ(pause(21'499), "21 ms");
  EXPECT_EQ(pause(59'000'000), "59.0 s");
  EXPECT_EQ(pause(-1), "-");
}

TEST(Table, ColumnsAreAsWideAsTheirLongestText) {
  std::ostringstream out;
  print_table(out, {{"A", "LONGER", "C"}, {"aaa", "é", "c"}, {"b"}, {}}, "> ");
  EXPECT_EQ(out.str(), "> A    LONGER  C\n> aaa  é       c\n> b\n> \n");
}

}  // namespace
}  // namespace cvfs
