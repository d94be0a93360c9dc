#include "sys/fuse_notification.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <cstring>

namespace cvfs::sys {

namespace {

// enum fuse_notify_code; Linux 6.1's header ends before the last one.
constexpr int kInvalInode = 2;
constexpr int kInvalEntry = 3;
constexpr int kIncEpoch = 8;

constexpr std::uint32_t kExpireOnly = 1;  // FUSE_EXPIRE_ONLY

// struct fuse_notify_inval_entry_out; its last field was padding once.
struct InvalEntry {
  std::uint64_t parent;
  std::uint32_t name_length;
  std::uint32_t flags;
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

std::string entry_message(std::uint64_t parent, std::string_view name, EntryChange change) {
  const InvalEntry entry{parent, static_cast<std::uint32_t>(name.size()),
                         change == EntryChange::kExpire ? kExpireOnly : 0};
  const fuse_out_header header = header_of(kInvalEntry, sizeof entry + name.size() + 1);
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  message.append(name).push_back('\0');
  return message;
}

Result<void> expire_all_names(int device_fd) {
  const fuse_out_header header = header_of(kIncEpoch, 0);
  return succeeded(::write(device_fd, &header, sizeof header));
}

}  // namespace cvfs::sys
