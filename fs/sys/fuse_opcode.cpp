#include "sys/fuse_opcode.h"

#include <array>
#include <string_view>

namespace cvfs::sys {

namespace {

// By number (<linux/fuse.h>, some of them newer than Linux 6.1's); "" where there is none.
constexpr auto kOpcodeNames = std::to_array<std::string_view>({"",
                                                               "LOOKUP",
                                                               "FORGET",
                                                               "GETATTR",
                                                               "SETATTR",
                                                               "READLINK",
                                                               "SYMLINK",
                                                               "",
                                                               "MKNOD",
                                                               "MKDIR",
                                                               "UNLINK",
                                                               "RMDIR",
                                                               "RENAME",
                                                               "LINK",
                                                               "OPEN",
                                                               "READ",
                                                               "WRITE",
                                                               "STATFS",
                                                               "RELEASE",
                                                               "",
                                                               "FSYNC",
                                                               "SETXATTR",
                                                               "GETXATTR",
                                                               "LISTXATTR",
                                                               "REMOVEXATTR",
                                                               "FLUSH",
                                                               "INIT",
                                                               "OPENDIR",
                                                               "READDIR",
                                                               "RELEASEDIR",
                                                               "FSYNCDIR",
                                                               "GETLK",
                                                               "SETLK",
                                                               "SETLKW",
                                                               "ACCESS",
                                                               "CREATE",
                                                               "INTERRUPT",
                                                               "BMAP",
                                                               "DESTROY",
                                                               "IOCTL",
                                                               "POLL",
                                                               "NOTIFY_REPLY",
                                                               "BATCH_FORGET",
                                                               "FALLOCATE",
                                                               "READDIRPLUS",
                                                               "RENAME2",
                                                               "LSEEK",
                                                               "COPY_FILE_RANGE",
                                                               "SETUPMAPPING",
                                                               "REMOVEMAPPING",
                                                               "SYNCFS",
                                                               "TMPFILE",
                                                               "STATX",
                                                               "COPY_FILE_RANGE_64"});

}  // namespace

std::string fuse_opcode_name(std::uint32_t opcode) {
  if (opcode < kOpcodeNames.size() && !kOpcodeNames[opcode].empty())
    return std::string(kOpcodeNames[opcode]);
  return "opcode " + std::to_string(opcode);
}

std::string fuse_request_text(std::uint32_t opcode, std::uint64_t node, std::uint64_t unique) {
  std::string text = fuse_opcode_name(opcode);
  if (node != 0) text += " of node " + std::to_string(node);
  return text + " (request " + std::to_string(unique) + ")";
}

}  // namespace cvfs::sys
