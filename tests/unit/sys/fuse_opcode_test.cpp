#include "sys/fuse_opcode.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>

namespace cvfs::sys {
namespace {

TEST(FuseOpcode, IsTheKernels) {
#define EXPECT_NAME(name) EXPECT_EQ(fuse_opcode_name(FUSE_##name), #name)
  EXPECT_NAME(LOOKUP);
  EXPECT_NAME(SYMLINK);
  EXPECT_NAME(MKNOD);
  EXPECT_NAME(RELEASE);
  EXPECT_NAME(FSYNC);
  EXPECT_NAME(FLUSH);
  EXPECT_NAME(ACCESS);
  EXPECT_NAME(INTERRUPT);
  EXPECT_NAME(BATCH_FORGET);
  EXPECT_NAME(RENAME2);
  EXPECT_NAME(SYNCFS);
  EXPECT_NAME(TMPFILE);
#undef EXPECT_NAME
  EXPECT_EQ(fuse_opcode_name(53), "COPY_FILE_RANGE_64");
}

TEST(FuseOpcode, IsTheNumberWhereThereIsNone) {
  for (const std::uint32_t opcode : {0U, 7U, 19U, 54U, 4096U})
    EXPECT_EQ(fuse_opcode_name(opcode), "opcode " + std::to_string(opcode));
}

}  // namespace
}  // namespace cvfs::sys
