#include "control/default_options.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace cvfs {
namespace {

class DefaultOptions : public testing::Test {
 protected:
  DefaultOptions() {
    char name[] = "/tmp/cvfs-defaults-XXXXXX";
    ::close(::mkstemp(name));
    path_ = name;
  }
  ~DefaultOptions() override { ::unlink(path_.c_str()); }

  Outcome<std::string> read(const std::string& text) {
    std::ofstream(path_) << text;
    return read_default_options(path_);
  }
  std::string refusal(const std::string& text) {
    const auto options = read(text);
    EXPECT_FALSE(options) << text;
    if (options) return "";
    EXPECT_EQ(options.error().code, ExitCode::kUsage);
    std::string message = options.error().message();
    EXPECT_TRUE(message.starts_with(path_)) << message;
    return message.substr(std::min(path_.size(), message.size()));
  }

  std::string path_;
};

TEST_F(DefaultOptions, AFileThatIsMissingHasNone) {
  EXPECT_EQ(read_default_options("/nonexistent/cvfs.conf").value_or("refused"), "");
}

TEST_F(DefaultOptions, AFileThatCannotBeReadIsRefused) {
  const auto options = read_default_options("/proc/self");
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().code, ExitCode::kSystem);
  EXPECT_EQ(options.error().object, "/proc/self");
}

TEST_F(DefaultOptions, EachLineIsAnOption) {
  EXPECT_EQ(read("# Of all views\n\n  containerdata=/srv/tenants \r\nuserns = @dockremap\n\t# "
                 "no\nlocks=local")
                .value_or("refused"),
            "containerdata=/srv/tenants,userns=@dockremap,locks=local");
  EXPECT_EQ(read("").value_or("refused"), "");
}

TEST_F(DefaultOptions, WhatIsWrongIsSaidWithFileAndLine) {
  EXPECT_EQ(refusal("# one\nusrns=auto\n"), ":2: usrns=auto: no such option\n  try: userns=auto");
  EXPECT_EQ(refusal("threads=65"), ":1: threads=65: not a number from 1 to 64\n  try: threads=4");
  EXPECT_EQ(refusal("threads"), ":1: threads: needs a value\n  try: threads=4");
  EXPECT_EQ(refusal("\n\nlower=/etc"),
            ":3: lower=/etc: not available in this version\n"
            "  try: leave it out (a view shows the tenant's tree alone)");
  EXPECT_THAT(refusal("[view]"), testing::StartsWith(":1: [view]: no such option"));
}

TEST_F(DefaultOptions, TwoOptionsInALineAreRefused) {
  EXPECT_EQ(refusal("log=info,hang=0"),
            ":1: log=info,hang=0: a comma stands between options\n"
            "  try: each option on a line of its own");
}

TEST_F(DefaultOptions, MountsOwnAreRefused) {
  for (const auto* option : {"nofail", "_netdev", "user", "x-systemd.automount", "comment=x", "ro",
                             "suid", "noatime", "owner"}) {
    EXPECT_EQ(refusal(option), std::string(":1: ") + option +
                                   ": is an option of mount(8)'s own\n  try: fstab, or -o");
  }
}

TEST_F(DefaultOptions, AMountsOptionsComeLater) {
  EXPECT_EQ(with_defaults("hang=0,cache=none", "rw,hang=9"), "hang=0,cache=none,rw,hang=9");
  EXPECT_EQ(with_defaults("", "rw"), "rw");
  EXPECT_EQ(with_defaults("hang=0", ""), "hang=0");
  EXPECT_EQ(with_defaults("", ""), "");
}

TEST_F(DefaultOptions, AMountsMapReplacesTheDefaultOne) {
  EXPECT_EQ(with_defaults("userns=@dockremap,hang=0", "uidmap=0:100000:65536"),
            "hang=0,uidmap=0:100000:65536");
  EXPECT_EQ(with_defaults("uidmap=0:1:2,gidmap=0:1:2,hang=0", "log=info,userns=host"),
            "hang=0,log=info,userns=host");
  EXPECT_EQ(with_defaults("userns=@dockremap", "usernsx=1"), "userns=@dockremap,usernsx=1");
}

}  // namespace
}  // namespace cvfs
