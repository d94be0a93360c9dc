#include "control/view_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

namespace cvfs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

const std::vector<RunningView> kViews = {
    {53, "toto", {"/srv/toto", "/var/lib/bound"}, true},
    {54, "toto:/data", {"/srv/toto data"}, true},
    {55, "titi", {"/srv/titi"}, true},
    {56, "titi", {"/srv/titi/below"}, true},
    {57, "", {}, true},
};

std::vector<std::uint32_t> named(const std::string& name,
                                 const std::vector<RunningView>& views = kViews) {
  const auto found = views_named(name, views);
  std::vector<std::uint32_t> ids;
  if (!found) return ids;
  for (const RunningView& view : *found) ids.push_back(view.id);
  return ids;
}

std::string hint_for(const std::string& name) {
  const auto found = views_named(name, kViews);
  EXPECT_FALSE(found);
  return found ? "" : found.error().hint;
}

TEST(ViewName, ANumberIsAView) {
  EXPECT_THAT(named("53"), ElementsAre(53));
  EXPECT_THAT(named("57"), ElementsAre(57));
  EXPECT_THAT(named("5"), ElementsAre());
  EXPECT_THAT(named(""), ElementsAre());
}

TEST(ViewName, ASourceIsEveryViewOfThatSource) {
  EXPECT_THAT(named("toto"), ElementsAre(53));
  EXPECT_THAT(named("toto:/"), ElementsAre(53));
  EXPECT_THAT(named("toto:/data"), ElementsAre(54));
  EXPECT_THAT(named("titi"), ElementsAre(55, 56));
}

TEST(ViewName, AMountPointIsAViewHoweverItIsWritten) {
  for (const char* path : {"/srv/toto", "/srv/toto/", "//srv/./toto", "/srv/x/../toto/."}) {
    EXPECT_THAT(named(path), ElementsAre(53)) << path;
  }
  EXPECT_THAT(named("/var/lib/bound"), ElementsAre(53));
  EXPECT_THAT(named("/srv/toto data"), ElementsAre(54));
}

TEST(ViewName, AMountPointMayBeRelativeOrBehindASymlink) {
  std::string scratch = testing::TempDir() + "cvfs-names-XXXXXX";
  ASSERT_NE(::mkdtemp(scratch.data()), nullptr);
  const fs::path directory = fs::canonical(scratch);
  fs::create_directory(directory / "real");
  fs::create_directory_symlink("real", directory / "link");
  const std::vector<RunningView> views = {{60, "toto", {directory / "real" / "view"}, true}};
  EXPECT_THAT(named(directory / "link" / "view", views), ElementsAre(60));
  const fs::path before = fs::current_path();
  fs::current_path(directory / "real");
  EXPECT_THAT(named("view", views), ElementsAre(60));
  EXPECT_THAT(named("./view", views), ElementsAre(60));
  EXPECT_THAT(named("toto", views), ElementsAre(60));
  fs::current_path(before);
  fs::remove_all(directory);
}

TEST(ViewName, TwoViewsOnOneMountPointAreBothMeant) {
  const std::vector<RunningView> views = {{60, "toto", {"/srv/toto"}, false},
                                          {61, "toto", {"/srv/toto"}, true}};
  EXPECT_THAT(named("/srv/toto", views), ElementsAre(60, 61));
}

TEST(ViewName, AnUnknownNameIsRefusedWithTheOneThatMayBeMeant) {
  EXPECT_EQ(hint_for("/srv/totto"), "cvfs status /srv/toto");
  EXPECT_EQ(hint_for("toti"), "cvfs status toto");
  EXPECT_EQ(hint_for("toto:/dta"), "cvfs status toto:/data");
  EXPECT_EQ(hint_for("/srv/toto/data/file"), "cvfs status /srv/toto");
  EXPECT_EQ(hint_for("/srv/titi/below/file"), "cvfs status /srv/titi/below");
  EXPECT_EQ(hint_for("quite something else"), "cvfs status");
  EXPECT_EQ(views_named("/no\nsuch", kViews).error().message(),
            "/no?such: no such view\n  try: cvfs status");
}

TEST(ViewName, AViewIsCalledByItsMountPointOrItsNumber) {
  EXPECT_EQ(name_of(kViews[0]), "/srv/toto");
  EXPECT_EQ(name_of(kViews[4]), "view 57");
}

}  // namespace
}  // namespace cvfs
