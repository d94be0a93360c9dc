#include "daemon/view_record.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>

#include "vfs/state_sections.h"

namespace cvfs {
namespace {

UniqueFd some_descriptor() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

std::shared_ptr<StateMemory> some_state() {
  return std::make_shared<StateMemory>(std::move(*make_state()));
}

IdMap map(const char* text) {
  return *parse_id_map(text, "test");
}

ServedView some_view() {
  ServedView view;
  view.state = some_state();
  view.plan.source.tenant = "toto";
  view.plan.source.path = "/data";
  view.plan.source.name = "toto:/data";
  view.plan.source.owner_uid = 1500;
  view.plan.source.owner_gid = 1501;
  view.plan.source.tenant_root = some_descriptor();
  view.plan.source.directory = some_descriptor();
  view.plan.target = "/srv/\xff odd \"target\"";
  view.plan.owner = OwnerPolicy::kVirtual;
  view.plan.stack_depth = 2;
  view.plan.options.passthrough = PassthroughMode::kOff;
  view.plan.options.cache = {CacheMode::kNotify, 2.5};
  view.plan.options.locks = LockOption::kOff;
  view.plan.options.containerdata = "/srv/containerdata";
  view.plan.options.log_level = LogLevel::kDebug;
  view.plan.options.threads = 7;
  view.plan.options.hang_seconds = 30;
  view.plan.options.mount_flags = 6;
  view.plan.identity = std::make_unique<Identity>(
      UserNamespaceMap{map("0:100000:65536"), map("0:200000:10:10:300000:5"), "@dockremap"},
      StoreMap{map("0:1500:1:1:400000:65536"), map("0:1501:1")});
  view.handshake.flags = 1ULL << 40 | 5;
  view.handshake.minor = 45;
  view.handshake.request = {'\0', '\xff', 'x'};
  view.device = some_descriptor();
  view.signals = some_descriptor();
  view.worker_bell = some_descriptor();
  view.standby_bell = some_descriptor();
  view.watch = some_descriptor();
  view.watch_place = some_descriptor();
  view.control = 77;
  view.control_path = "/run/cvfs/7.sock";
  view.mounted_at = 1'790'000'000;
  view.version = "0.1.0";
  view.program = "/usr/sbin/cvfsd";
  view.to_syslog = true;
  return view;
}

// Both views believe that they own the descriptors.
void let_go(ServedView& read) {
  for (UniqueFd* fd :
       {&read.device, &read.signals, &read.worker_bell, &read.standby_bell, &read.watch,
        &read.watch_place, &read.plan.source.tenant_root, &read.plan.source.directory}) {
    (void)fd->release();
  }
}

TEST(ViewRecord, TellsAnotherBuildWhatTheViewIs) {
  ServedView view = some_view();
  ASSERT_TRUE(write_view_record(view));
  auto read = read_view_record(view.state);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->plan.source.name, "toto:/data");
  EXPECT_EQ(read->plan.source.directory.get(), view.plan.source.directory.get());
  EXPECT_EQ(read->plan.owner, OwnerPolicy::kVirtual);
  EXPECT_EQ(read->plan.stack_depth, 2U);
  EXPECT_EQ(read->plan.options.passthrough, PassthroughMode::kOff);
  EXPECT_EQ(read->plan.options.cache.ttl_seconds, 2.5);
  EXPECT_EQ(read->plan.options.cache.mode, CacheMode::kNotify);
  EXPECT_EQ(read->watch.get(), view.watch.get());
  EXPECT_EQ(read->watch_place.get(), view.watch_place.get());
  EXPECT_EQ(read->plan.options.log_level, LogLevel::kDebug);
  EXPECT_EQ(read->plan.options.threads, 7U);
  EXPECT_EQ(read->plan.options.hang_seconds, 30U);
  EXPECT_EQ(read->plan.options.locks, LockOption::kOff);
  EXPECT_EQ(read->plan.options.containerdata, "/srv/containerdata");
  EXPECT_EQ(read->plan.options.mount_flags, 6U);
  EXPECT_EQ(read->plan.identity->userns().origin, "@dockremap");
  EXPECT_EQ(read->plan.identity->userns().gids, view.plan.identity->userns().gids);
  EXPECT_EQ(read->plan.identity->store().uids, view.plan.identity->store().uids);
  EXPECT_EQ(read->handshake.flags, view.handshake.flags);
  EXPECT_EQ(read->handshake.request, view.handshake.request);
  EXPECT_EQ(read->device.get(), view.device.get());
  EXPECT_EQ(read->standby_bell.get(), view.standby_bell.get());
  EXPECT_EQ(read->control, 77);
  EXPECT_EQ(read->mounted_at, 1'790'000'000);
  EXPECT_EQ(read->version, "0.1.0");
  EXPECT_TRUE(read->to_syslog);
  let_go(*read);
}

TEST(ViewRecord, ATargetIsItsBytes) {
  ServedView view = some_view();
  ASSERT_TRUE(write_view_record(view));
  auto read = read_view_record(view.state);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->plan.target, view.plan.target);
  let_go(*read);
}

TEST(ViewRecord, NoneIsRefused) {
  EXPECT_FALSE(read_view_record(some_state()));
}

TEST(ViewRecord, WhatIsNotCompleteOrNotJsonIsRefused) {
  for (const char* text : {"{}", "[", "[]", "null", R"({"version":1})", R"({"version":"1"})"}) {
    auto state = some_state();
    std::strcpy(reinterpret_cast<char*>(state->section(Section::kPlan).data()), text);
    EXPECT_FALSE(read_view_record(state)) << text;
  }
}

TEST(ViewRecord, IsCheckedBeforeAnybodyGoesOnWithIt) {
  const auto is_fine = [](const StateMemory& state) {
    const auto record = StateMemory::read(state.fd(), Section::kPlan, kPlanVersion);
    return record && check_view_record(*record);
  };
  ServedView view = some_view();
  ASSERT_TRUE(write_view_record(view));
  EXPECT_TRUE(is_fine(*view.state));
  EXPECT_GE(::fcntl(view.device.get(), F_GETFD), 0) << "its descriptors stay open";

  auto* text = reinterpret_cast<char*>(view.state->section(Section::kPlan).data());
  std::strstr(text, "virtual")[0] = 'x';
  EXPECT_FALSE(is_fine(*view.state)) << "an owner policy that this build does not know";
  EXPECT_FALSE(is_fine(*some_state())) << "none";
}

TEST(ViewRecord, WithoutAnEndIsRefused) {
  auto state = some_state();
  const auto section = state->section(Section::kPlan);
  std::memset(section.data(), '[', section.size());
  EXPECT_FALSE(read_view_record(state));
}

}  // namespace
}  // namespace cvfs
