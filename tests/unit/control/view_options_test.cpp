#include "control/view_options.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

namespace cvfs {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ViewOptions parsed(std::string_view text) {
  auto options = parse_view_options(text);
  EXPECT_TRUE(options) << text << ": " << options.error().message();
  return options.value_or(ViewOptions{});
}

OperatorError refusal(std::string_view text, bool sloppy = false) {
  auto options = parse_view_options(text, sloppy);
  EXPECT_FALSE(options) << text;
  if (options) return {};
  EXPECT_EQ(options.error().code, ExitCode::kUsage) << text;
  EXPECT_EQ(options.error().object.find('\n'), std::string::npos);
  EXPECT_FALSE(options.error().hint.empty()) << text;
  return options.error();
}

TEST(ViewOptions, NothingGivenMeansTheDocumentedDefaults) {
  const auto options = parsed("");
  EXPECT_EQ(options.owner, OwnerPolicy::kDefault);
  EXPECT_EQ(options.containerdata, "/containerdata");
  EXPECT_EQ(options.passthrough, PassthroughMode::kAuto);
  EXPECT_EQ(options.cache.mode, CacheMode::kAuto);
  EXPECT_EQ(options.cache.ttl_seconds, 1.0);
  EXPECT_EQ(options.log_level, LogLevel::kInfo);
  EXPECT_EQ(options.threads, 0U);
  EXPECT_EQ(options.hang_seconds, 120U);
  EXPECT_EQ(options.store_uid, std::nullopt);
  EXPECT_EQ(options.mount_flags, MS_NOSUID | MS_NODEV);
}

TEST(ViewOptions, EveryOwnOptionIsRead) {
  const auto options = parsed(
      "userns=@dockremap,owner=virtual,storeuid=1500,storegid=4294967294,containerdata=/srv/x,"
      "passthrough=off,cache=ttl:2.5,log=debug,threads=64,hang=0");
  EXPECT_EQ(options.userns, "@dockremap");
  EXPECT_EQ(options.owner, OwnerPolicy::kVirtual);
  EXPECT_EQ(options.store_uid, 1500U);
  EXPECT_EQ(options.store_gid, 4294967294U);
  EXPECT_EQ(options.containerdata, "/srv/x");
  EXPECT_EQ(options.passthrough, PassthroughMode::kOff);
  EXPECT_EQ(options.cache.ttl_seconds, 2.5);
  EXPECT_EQ(options.log_level, LogLevel::kDebug);
  EXPECT_EQ(options.threads, 64U);
  EXPECT_EQ(options.hang_seconds, 0U);
}

TEST(ViewOptions, MapsAreKeptAsGiven) {
  const auto options = parsed("uidmap=0:100000:65536:65536:400000:10,gidmap=0:100000:65536");
  EXPECT_EQ(options.uidmap, "0:100000:65536:65536:400000:10");
  EXPECT_EQ(options.gidmap, "0:100000:65536");
}

TEST(ViewOptions, CacheNoneAsksEveryTime) {
  EXPECT_EQ(parsed("cache=none").cache.ttl_seconds, 0);
  EXPECT_EQ(parsed("cache=none").cache.mode, CacheMode::kNone);
  EXPECT_EQ(parsed("cache=notify").cache.mode, CacheMode::kNotify);
  EXPECT_EQ(parsed("cache=none,cache=auto").cache.ttl_seconds, 1.0);
  EXPECT_EQ(parsed("cache=ttl:3").cache.mode, CacheMode::kTtl);
}

TEST(ViewOptions, ALaterOptionOverridesAnEarlierOne) {
  const auto options = parsed("threads=2,owner=virtual,ro,threads=3,owner=map,rw");
  EXPECT_EQ(options.threads, 3U);
  EXPECT_EQ(options.owner, OwnerPolicy::kMap);
  EXPECT_EQ(options.mount_flags, MS_NOSUID | MS_NODEV);
}

TEST(ViewOptions, MountFlagsAreThoseOfMount2) {
  EXPECT_EQ(parsed("ro,noexec,sync,dirsync,lazytime,nodiratime").mount_flags,
            MS_RDONLY | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_NODIRATIME |
                MS_NOSUID | MS_NODEV);
  EXPECT_EQ(parsed("suid,dev").mount_flags, 0U);
  EXPECT_EQ(parsed("ro,noexec,sync,lazytime,nodiratime,"
                   "rw,exec,async,nolazytime,diratime")
                .mount_flags,
            MS_NOSUID | MS_NODEV);
}

TEST(ViewOptions, TheAccessTimeModesReplaceEachOther) {
  const unsigned long safe = MS_NOSUID | MS_NODEV;
  EXPECT_EQ(parsed("noatime,relatime").mount_flags, safe | MS_RELATIME);
  EXPECT_EQ(parsed("relatime,strictatime").mount_flags, safe | MS_STRICTATIME);
  EXPECT_EQ(parsed("strictatime,noatime").mount_flags, safe | MS_NOATIME);
  EXPECT_EQ(parsed("noatime,atime").mount_flags, safe);
  EXPECT_EQ(parsed("relatime,norelatime,strictatime,nostrictatime").mount_flags, safe);
}

TEST(ViewOptions, OptionsForOthersAreStripped) {
  const auto options = parsed(
      "auto,noauto,nofail,_netdev,user,nouser,users,owner,group,defaults,comment=a b,comment,"
      "x-systemd.requires-mounts-for=/srv,X-mount.mkdir,x-gvfs-hide,,");
  EXPECT_EQ(options.owner, OwnerPolicy::kDefault);
  EXPECT_EQ(options.mount_flags, MS_NOSUID | MS_NODEV);
}

TEST(ViewOptions, AnUnknownOptionIsRefusedWithTheNearestKnownOne) {
  EXPECT_EQ(refusal("usrns=auto").message(), "usrns=auto: no such option\n  try: userns=auto");
  EXPECT_EQ(refusal("treads=4").hint, "threads=4");
  EXPECT_EQ(refusal("nosiud").hint, "nosuid");
  EXPECT_EQ(refusal("pasthrough").hint, "passthrough=auto or passthrough=off");
  EXPECT_EQ(refusal("ro,uid_map=0:1:2,rw").message(),
            "uid_map=0:1:2: no such option\n  try: uidmap=0:1:2");
}

TEST(ViewOptions, WhereNothingIsNearAllOptionsAreNamed) {
  const auto hint = refusal("zebra=/etc").hint;
  EXPECT_THAT(hint, HasSubstr("userns= "));
  EXPECT_THAT(hint, HasSubstr("threads="));
}

TEST(ViewOptions, SloppyPassesOverUnknownOptionsButNotBadValues) {
  EXPECT_TRUE(parse_view_options("fancy,fancy=1,ro", true));
  EXPECT_EQ(refusal("fancy,threads=0", true).object, "threads=0");
}

TEST(ViewOptions, AValueWhereNoneIsMeantIsRefused) {
  EXPECT_EQ(refusal("ro=1").message(), "ro=1: takes no value\n  try: ro");
  EXPECT_THAT(refusal("nofail=1").message(), StartsWith("nofail=1: no such option"));
}

TEST(ViewOptions, NoValueWhereOneIsMeantIsRefused) {
  EXPECT_EQ(refusal("userns").message(), "userns: needs a value\n  try: userns=auto");
  EXPECT_THAT(refusal("userns=").message(), StartsWith("userns=: not auto, host"));
  for (const auto* text : {"uidmap=", "gidmap=", "owner=", "storeuid=", "storegid=",
                           "containerdata=", "passthrough=", "cache=", "log=", "threads="}) {
    refusal(text);
  }
}

TEST(ViewOptions, ValuesOutOfRangeAreRefused) {
  for (const auto* text : {"threads=0",     "threads=65",          "threads=-1",
                           "threads=4x",    "threads= 4",          "threads=+4",
                           "storeuid=-1",   "storeuid=4294967295", "storeuid=18446744073709551616",
                           "storegid=toto", "cache=ttl:-1",        "cache=ttl:nan",
                           "cache=ttl:inf", "cache=ttl:86401",     "cache=ttl:",
                           "cache=ttl:1s",  "cache=ttl",           "cache=always",
                           "owner=root",    "owner=Map",           "passthrough=on",
                           "log=trace",     "containerdata=srv"}) {
    refusal(text);
  }
  EXPECT_EQ(refusal("threads=65").message(),
            "threads=65: not a number from 1 to 64\n  try: threads=4");
}

TEST(ViewOptions, WhatThisVersionDoesNotOfferIsSaidSo) {
  for (const auto* text : {"lower=/etc", "transport=io_uring"}) {
    EXPECT_EQ(refusal(text).what, "not available in this version") << text;
    EXPECT_EQ(refusal(text, true).what, "not available in this version") << text;
  }
}

TEST(ViewOptions, AMessageStaysOnOneLine) {
  EXPECT_EQ(refusal("a\nb\x1b[2J=c").object, "a?b?[2J=c");
  EXPECT_EQ(refusal("userns\n=x").hint.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace cvfs
