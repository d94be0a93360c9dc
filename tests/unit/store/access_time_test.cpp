#include "store/access_time.h"

#include <gtest/gtest.h>

namespace cvfs {
namespace {

constexpr std::time_t kNow = 2'000'000'000;

sys::FileStatus status_with(std::time_t accessed, std::time_t modified, std::time_t changed) {
  sys::FileStatus status;
  status.accessed = {accessed, 5};
  status.modified = {modified, 5};
  status.changed = {changed, 5};
  return status;
}

TEST(ListingMovesTime, UnderRelatimeOnlyWhatIsOld) {
  const auto moves = [](const sys::FileStatus& status) {
    return listing_moves_time(ST_RELATIME, status, kNow);
  };
  EXPECT_FALSE(moves(status_with(kNow - 1, kNow - 2, kNow - 2)));
  EXPECT_TRUE(moves(status_with(kNow - 2, kNow - 2, kNow - 3))) << "listed in the tick of a change";
  EXPECT_TRUE(moves(status_with(kNow - 2, kNow - 1, kNow - 3))) << "changed since";
  EXPECT_TRUE(moves(status_with(kNow - 2, kNow - 3, kNow - 1))) << "its mode changed since";
  EXPECT_TRUE(moves(status_with(kNow - 86400, 1, 1))) << "a day ago";
  EXPECT_FALSE(moves(status_with(kNow - 86399, 1, 1)));
}

TEST(ListingMovesTime, IsAsTheMountSays) {
  const sys::FileStatus old = status_with(1, 2, 2);
  const sys::FileStatus recent = status_with(kNow, 2, 2);
  EXPECT_TRUE(listing_moves_time(0, recent, kNow)) << "strictatime";
  for (const unsigned long flag : {ST_NOATIME, ST_NODIRATIME, ST_RDONLY}) {
    EXPECT_FALSE(listing_moves_time(flag | ST_RELATIME, old, kNow)) << flag;
  }
}

}  // namespace
}  // namespace cvfs
