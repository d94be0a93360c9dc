// Each option of another filesystem that is known here. A row a trace, not a test: ctest starts a
// process for each test.
#include "control/foreign_options.h"

#include <gmock/gmock.h>

#include <set>

#include "control/view_options.h"

namespace cvfs {
namespace {

using testing::StartsWith;

template <class Check>
void each_that_is(ForeignMeaning meaning, Check check) {
  for (const ForeignOption& option : foreign_options()) {
    if (option.meaning != meaning) continue;
    SCOPED_TRACE(option.name);
    check(option);
  }
}

std::string with_value(const ForeignOption& option, const std::string& value) {
  return std::string(option.name) + "=" + value;
}

// "cache=ttl:7" of "cache=ttl:7 (why)" and of "cache=ttl:7, the default"; "" where no option of
// ours is meant.
std::string option_in(const std::string& text) {
  std::string option = text.substr(0, text.find(' '));
  if (option.ends_with(',')) option.pop_back();
  return option.find('=') == std::string::npos && option != "ro" ? "" : option;
}

TEST(ForeignOptions, WhatEveryViewIsIsPassedOver) {
  each_that_is(ForeignMeaning::kAlways, [](const ForeignOption& option) {
    EXPECT_EQ(option.here, "");
    EXPECT_TRUE(parse_view_options(option.name));
    EXPECT_FALSE(parse_view_options(with_value(option, "1")));
  });
}

TEST(ForeignOptions, WhatMeansTheSameIsTheSame) {
  each_that_is(ForeignMeaning::kSame, [](const ForeignOption& option) {
    const bool takes_value = option.here.find('%') != std::string_view::npos;
    const auto foreign =
        parse_view_options(takes_value ? with_value(option, "7") : std::string(option.name));
    const auto own = parse_view_options(here(option, "7"));
    ASSERT_TRUE(foreign) << foreign.error().message();
    ASSERT_TRUE(own) << own.error().message();
    EXPECT_EQ(foreign->locks, own->locks);
    EXPECT_EQ(foreign->threads, own->threads);
    EXPECT_EQ(takes_value, static_cast<bool>(parse_view_options(with_value(option, "9"))));
  });
}

TEST(ForeignOptions, WhatDoesNotIsRefusedWithWhatToSay) {
  each_that_is(ForeignMeaning::kRefused, [](const ForeignOption& option) {
    const auto refused = parse_view_options(with_value(option, "7"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ExitCode::kUsage);
    EXPECT_THAT(refused.error().what, StartsWith("is an option of "));
    EXPECT_EQ(refused.error().hint, here(option, "7"));
    EXPECT_FALSE(parse_view_options(option.name));
    EXPECT_TRUE(parse_view_options(option.name, true)) << "mount -s passes over it";
  });
}

TEST(ForeignOptions, WhatToSayIsAnOptionOfOurs) {
  for (const ForeignOption& option : foreign_options()) {
    const std::string own = option_in(here(option, "7"));
    EXPECT_TRUE(parse_view_options(own)) << option.name << ": " << own;
  }
}

TEST(ForeignOptions, NoneStandsThereTwiceOrIsOurs) {
  std::set<std::string_view> names;
  for (const ForeignOption& option : foreign_options()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_EQ(find_foreign_option(option.name), &option);
  }
  for (const auto* own : {"ro", "nosuid", "cache", "owner", "uidmap", "threads", "x-y", "lower"}) {
    EXPECT_EQ(find_foreign_option(own), nullptr) << own;
  }
}

TEST(ForeignOptions, TheValueIsCarriedOver) {
  EXPECT_EQ(parse_view_options("ro,attr_timeout=2.5").error().message(),
            "attr_timeout=2.5: is an option of libfuse, not of cvfs\n  try: cache=ttl:2.5");
  EXPECT_EQ(parse_view_options("uidmapping=0:100000:65536").error().hint,
            "uidmap=0:100000:65536 (how containers' ids appear on the host)");
  EXPECT_EQ(parse_view_options("attr_timeout").error().hint, "cache=ttl:VALUE");
  EXPECT_EQ(parse_view_options("max_threads=65").error().message(),
            "threads=65: not a number from 1 to 64\n  try: threads=4");
  EXPECT_EQ(parse_view_options("create-for-user=a\nb").error().hint,
            "owner=virtual,storeuid=a?b (an id; all is stored as the tenant's)");
}

}  // namespace
}  // namespace cvfs
