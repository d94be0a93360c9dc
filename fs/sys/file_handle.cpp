#include "sys/file_handle.h"

#include <fcntl.h>

#include <cstring>

#include "sys/uninterrupted.h"

namespace cvfs::sys {

namespace {

// struct file_handle ends in a flexible array; this gives it room.
struct HandleBuffer {
  alignas(file_handle) unsigned char storage[sizeof(file_handle) + kMaxHandleBytes];
  file_handle* get() { return reinterpret_cast<file_handle*>(storage); }
};

}  // namespace

bool operator==(const FileHandle& a, const FileHandle& b) {
  return a.type == b.type && a.size == b.size && std::memcmp(a.bytes, b.bytes, a.size) == 0;
}

Result<FileHandle> handle_of(int fd) {
  HandleBuffer buffer;
  buffer.get()->handle_bytes = kMaxHandleBytes;
  int mount_id = 0;
  if (::name_to_handle_at(fd, "", buffer.get(), &mount_id, AT_EMPTY_PATH) < 0) return last_error();
  FileHandle handle;
  handle.type = buffer.get()->handle_type;
  handle.size = static_cast<std::uint8_t>(buffer.get()->handle_bytes);
  std::memcpy(handle.bytes, buffer.storage + sizeof(file_handle), handle.size);
  return handle;
}

Result<UniqueFd> open_by_handle(int mount_fd, const FileHandle& handle, int flags) {
  HandleBuffer buffer;
  buffer.get()->handle_bytes = handle.size;
  buffer.get()->handle_type = handle.type;
  std::memcpy(buffer.storage + sizeof(file_handle), handle.bytes, handle.size);
  const int fd =
      uninterrupted([&] { return ::open_by_handle_at(mount_fd, buffer.get(), flags | O_CLOEXEC); });
  if (fd < 0) return last_error();
  return UniqueFd(fd);
}

}  // namespace cvfs::sys
