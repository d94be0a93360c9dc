#include "fuse/opcode_name.h"

#include <iterator>

namespace cvfs {

namespace {

// By number (<linux/fuse.h>, which need not know the last ones).
constexpr const char* kNames[] = {"?",
                                  "LOOKUP",
                                  "FORGET",
                                  "GETATTR",
                                  "SETATTR",
                                  "READLINK",
                                  "SYMLINK",
                                  "?",
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
                                  "?",
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
                                  "COPY_FILE_RANGE_64"};

}  // namespace

const char* opcode_name(std::uint32_t opcode) {
  return opcode < std::size(kNames) ? kNames[opcode] : "?";
}

}  // namespace cvfs
