#include "fuse/forget.h"

#include <linux/fuse.h>

#include <algorithm>

#include "fuse/message.h"

namespace cvfs {

namespace {

// What FORGET says, in the words of BATCH_FORGET.
fuse_forget_one forget_at(std::span<const std::byte> message, std::uint32_t index) {
  const auto header = part_at<fuse_in_header>(message, 0);
  if (header.opcode == FUSE_FORGET) {
    return {header.nodeid, part_at<fuse_forget_in>(message, sizeof header).nlookup};
  }
  return part_at<fuse_forget_one>(
      message, sizeof header + sizeof(fuse_batch_forget_in) + index * sizeof(fuse_forget_one));
}

}  // namespace

bool carry_out_forgets(Mount& mount, std::span<const std::byte> message,
                       std::atomic<std::uint32_t>& done) {
  const auto header = part_at<fuse_in_header>(message, 0);
  std::uint32_t count = 1;
  if (header.opcode == FUSE_BATCH_FORGET) {
    count = part_at<fuse_batch_forget_in>(message, sizeof header).count;
  } else if (header.opcode != FUSE_FORGET) {
    return false;
  }
  const auto whole = message.first(std::min<std::size_t>(header.len, message.size()));
  for (std::uint32_t i = done; i < count; ++i) {
    const fuse_forget_one one = forget_at(whole, i);
    // First, as everywhere: a count that is too high costs memory, one too low an open file.
    done = i + 1;
    forget(mount, one.nodeid, one.nlookup);
  }
  return true;
}

}  // namespace cvfs
