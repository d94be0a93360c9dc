#include "fuse/may_wait.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>

namespace cvfs {
namespace {

struct WriteRequest {
  fuse_in_header header{};
  fuse_write_in write{};
};

bool may_wait(std::uint32_t opcode, std::uint32_t flags = 0) {
  WriteRequest request;
  request.header.opcode = opcode;
  request.write.flags = flags;
  return cvfs::may_wait(std::as_bytes(std::span(&request, 1)));
}

TEST(MayWait, WhatCanBeDoneTwiceHoldsNobodyBack) {
  for (const auto opcode : {FUSE_OPEN, FUSE_READ, FUSE_FSYNC, FUSE_IOCTL, FUSE_RELEASE,
                            FUSE_RELEASEDIR, FUSE_LISTXATTR}) {
    EXPECT_TRUE(may_wait(opcode)) << opcode;
  }
}

TEST(MayWait, WhatLooksForItsOwnChangeComesFirst) {
  for (const auto opcode :
       {FUSE_CREATE, FUSE_MKDIR, FUSE_UNLINK, FUSE_RENAME2, FUSE_SETXATTR, FUSE_REMOVEXATTR}) {
    EXPECT_FALSE(may_wait(opcode)) << opcode;
  }
}

TEST(MayWait, AWriteDoesUnlessItAppends) {
  EXPECT_TRUE(may_wait(FUSE_WRITE, O_WRONLY));
  EXPECT_FALSE(may_wait(FUSE_WRITE, O_WRONLY | O_APPEND));
}

}  // namespace
}  // namespace cvfs
