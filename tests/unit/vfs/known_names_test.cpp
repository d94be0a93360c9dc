#include "vfs/known_names.h"

#include <gtest/gtest.h>

namespace cvfs {
namespace {

TEST(KnownNames, KeepsTheLastNameUntilTheInodeIsForgotten) {
  KnownNames names;
  EXPECT_FALSE(names.name_of(7));
  names.note(7, 1, "first");
  names.note(7, 2, "second");
  names.note(71, 2, "other");
  ASSERT_TRUE(names.name_of(7));
  EXPECT_EQ(names.name_of(7)->parent, 2U);
  EXPECT_EQ(names.name_of(7)->name, "second");
  names.forget(7);
  EXPECT_FALSE(names.name_of(7));
  EXPECT_EQ(names.name_of(71)->name, "other");
}

}  // namespace
}  // namespace cvfs
