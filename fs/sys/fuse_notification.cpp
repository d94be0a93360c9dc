#include "sys/fuse_notification.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <cstring>

namespace cvfs::sys {

namespace {

// enum fuse_notify_code; Linux 6.1's header ends before the last one.
constexpr int kInvalInode = 2;
constexpr int kInvalEntry = 3;
constexpr int kPrune = 9;

constexpr std::uint32_t kExpireOnly = 1;  // FUSE_EXPIRE_ONLY

// struct fuse_notify_inval_entry_out; its last field was padding once.
struct InvalEntry {
  std::uint64_t parent;
  std::uint32_t name_length;
  std::uint32_t flags;
};

// struct fuse_notify_prune_out of protocol 7.45; the numbers follow.
struct Prune {
  std::uint32_t count;
  std::uint32_t padding;
  std::uint64_t spare;
};

fuse_out_header header_of(int code, std::size_t length) {
  fuse_out_header header{};
  header.len = static_cast<std::uint32_t>(sizeof header + length);
  header.error = code;
  return header;
}

}  // namespace

Result<void> invalidate_inode(int device_fd, std::uint64_t node, bool listing) {
  struct {
    fuse_out_header header;
    fuse_notify_inval_inode_out inode;
  } message{header_of(kInvalInode, sizeof message.inode), {node, listing ? 0 : -1, 0}};
  return succeeded(::write(device_fd, &message, sizeof message));
}

std::string expire_message(std::uint64_t parent, std::string_view name) {
  const InvalEntry entry{parent, static_cast<std::uint32_t>(name.size()), kExpireOnly};
  const fuse_out_header header = header_of(kInvalEntry, sizeof entry + name.size() + 1);
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  message.append(name).push_back('\0');
  return message;
}

std::string prune_message(std::span<const std::uint64_t> nodes) {
  const Prune prune{static_cast<std::uint32_t>(nodes.size()), 0, 0};
  const fuse_out_header header = header_of(kPrune, sizeof prune + nodes.size_bytes());
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(reinterpret_cast<const char*>(&prune), sizeof prune);
  message.append(reinterpret_cast<const char*>(nodes.data()), nodes.size_bytes());
  return message;
}

bool can_prune(int device_fd) {
  const std::string nothing = prune_message({});
  return ::write(device_fd, nothing.data(), nothing.size()) >= 0;
}

}  // namespace cvfs::sys
