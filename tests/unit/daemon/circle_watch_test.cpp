#include "daemon/circle_watch.h"

#include <gtest/gtest.h>

namespace cvfs {
namespace {

using std::chrono::milliseconds;

TEST(CircleWatch, LooksTheLessOftenTheLongerALookTakes) {
  EXPECT_EQ(CircleWatch::pause_after(milliseconds(1)), milliseconds(500));
  EXPECT_EQ(CircleWatch::pause_after(milliseconds(100)), milliseconds(2000));
}

}  // namespace
}  // namespace cvfs
