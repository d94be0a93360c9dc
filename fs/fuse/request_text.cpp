#include "fuse/request_text.h"

#include <linux/fuse.h>

#include <algorithm>

#include "base/log.h"
#include "fuse/message.h"
#include "sys/fuse_device.h"
#include "sys/fuse_opcode.h"

namespace cvfs {

namespace {

constexpr std::size_t kMostShown = 128;

// No data, and no value of an xattr, nor its name, which stands before that.
std::size_t most_shown(std::uint32_t opcode) {
  switch (opcode) {
    case FUSE_WRITE:
      return sizeof(fuse_in_header) + sizeof(fuse_write_in);
    case FUSE_SETXATTR:
      return sizeof(fuse_in_header) + sizeof(fuse_setxattr_in);
    default:
      return kMostShown;
  }
}

std::string in_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

// Whatever a container sends: no line of the log begins in it.
std::string as_text(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const auto code = static_cast<char>(byte);
    text += code >= ' ' && code <= '~' ? code : '.';
  }
  return text;
}

}  // namespace

std::string describe_request(std::span<const std::byte> message) {
  const auto header = part_at<fuse_in_header>(message, 0);
  const auto shown = message.first(std::min(message.size(), most_shown(header.opcode)));
  return fmt::format(
      "{}, asked by process {} as {}:{}, {} bytes: {} |{}|",
      sys::fuse_request_text(header.opcode, header.nodeid, header.unique & ~sys::kFuseUniqueResend),
      header.pid, header.uid, header.gid, message.size(), in_hex(shown), as_text(shown));
}

}  // namespace cvfs
