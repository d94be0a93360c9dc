#include "sys/file_handle.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "base/digest.h"
#include "sys/uninterrupted.h"

namespace cvfs::sys {

namespace {

// struct file_handle ends in a flexible array; this gives it room.
struct HandleBuffer {
  alignas(file_handle) unsigned char storage[sizeof(file_handle) + kMaxHandleBytes];
  file_handle* get() { return reinterpret_cast<file_handle*>(storage); }
};

Result<FileHandle> read_handle(int fd, const char* name, int flags) {
  HandleBuffer buffer;
  buffer.get()->handle_bytes = kMaxHandleBytes;
  int mount_id = 0;
  if (::name_to_handle_at(fd, name, buffer.get(), &mount_id, flags) < 0) return last_error();
  FileHandle handle;
  handle.type = buffer.get()->handle_type;
  handle.size = static_cast<std::uint8_t>(buffer.get()->handle_bytes);
  std::memcpy(handle.bytes, buffer.storage + sizeof(file_handle), handle.size);
  return handle;
}

}  // namespace

bool operator==(const FileHandle& a, const FileHandle& b) {
  return a.type == b.type && a.size == b.size && std::memcmp(a.bytes, b.bytes, a.size) == 0;
}

std::uint64_t digest_of(const FileHandle& handle) {
  Digest digest;
  for (std::size_t i = 0; i < handle.size; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, handle.bytes + i, std::min(sizeof word, handle.size - i));
    digest.add(word);
  }
  return digest.get();
}

Result<FileHandle> handle_of(int fd) {
  return read_handle(fd, "", AT_EMPTY_PATH);
}

Result<FileHandle> handle_at(int dir_fd, const char* name) {
  return read_handle(dir_fd, name, 0);
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
