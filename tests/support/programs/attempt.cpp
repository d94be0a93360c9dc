// attempt CALL ARGUMENT...: makes one system call and prints "ok" or the name of its errno, so that
// a test can ask for exactly one. Ends with 0 or 1.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace {

using Arguments = char**;
using Call = std::function<int(Arguments)>;

mode_t octal(const char* text, mode_t otherwise) {
  return text == nullptr ? otherwise : static_cast<mode_t>(std::strtoul(text, nullptr, 8));
}

unsigned id(const char* text) {
  return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

int opened(int fd) {
  return fd < 0 ? -1 : close(fd);
}

int write_to(const char* path, int flags, const char* text) {
  const int fd = open(path, O_WRONLY | flags, 0644);
  if (fd < 0) return -1;
  const ssize_t put = write(fd, text, std::strlen(text));
  return put < 0 || close(fd) < 0 ? -1 : 0;
}

int print_contents(const char* path) {
  char text[4096];
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  const ssize_t got = read(fd, text, sizeof text);
  if (got < 0) return -1;
  std::fwrite(text, 1, static_cast<std::size_t>(got), stdout);
  return close(fd);
}

// Opened for appending, and then no longer appending: writes at the start.
int append_at_start(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_APPEND);
  if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0) return -1;
  const ssize_t put = pwrite(fd, text, std::strlen(text), 0);
  return put < 0 || close(fd) < 0 ? -1 : 0;
}

// Opened for appending, and changed at the start through a shared mapping.
int append_by_mapping(const char* path, const char* text) {
  const int fd = open(path, O_RDWR | O_APPEND);
  if (fd < 0) return -1;
  void* mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return -1;
  std::memcpy(mapped, text, std::strlen(text));
  return munmap(mapped, 4096) < 0 ? -1 : close(fd);
}

// O_TMPFILE in the directory of PATH, then link(2) to it.
int tmpfile_linked(const char* path) {
  const std::string_view text(path);
  const std::string directory(text.substr(0, text.rfind('/')));
  const int fd = open(directory.c_str(), O_TMPFILE | O_RDWR, 0666);
  if (fd < 0) return -1;
  char self[32];
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) return -1;
  return close(fd);
}

int list(const char* path) {
  dirent** entries = nullptr;
  const int count = scandir(path, &entries, nullptr, alphasort);
  for (int i = 0; i < count; ++i) {
    if (entries[i]->d_name[0] != '.') std::puts(entries[i]->d_name);
    std::free(entries[i]);
  }
  std::free(entries);
  return count < 0 ? -1 : 0;
}

// In a child, whose end does not matter: only whether it began.
int execute(const char* path) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    execl(path, path, nullptr);
    const int error = errno;
    (void)!write(ends[1], &error, sizeof error);
    _exit(0);
  }
  close(ends[1]);
  int error = 0;
  const bool failed = read(ends[0], &error, sizeof error) == sizeof error;
  waitpid(child, nullptr, 0);
  errno = error;
  return failed ? -1 : 0;
}

const std::map<std::string_view, Call> kCalls{
    {"create", [](auto a) { return opened(open(a[0], O_WRONLY | O_CREAT, octal(a[1], 0666))); }},
    {"excl", [](auto a) { return opened(open(a[0], O_WRONLY | O_CREAT | O_EXCL, 0666)); }},
    {"mkdir", [](auto a) { return mkdir(a[0], octal(a[1], 0777)); }},
    {"fifo", [](auto a) { return mkfifo(a[0], octal(a[1], 0666)); }},
    {"socket", [](auto a) { return mknod(a[0], S_IFSOCK | 0666, 0); }},
    {"regular", [](auto a) { return mknod(a[0], S_IFREG | octal(a[1], 0666), 0); }},
    {"device", [](auto a) { return mknod(a[0], S_IFCHR | 0666, makedev(1, 3)); }},
    {"blockdevice", [](auto a) { return mknod(a[0], S_IFBLK | 0666, makedev(7, 0)); }},
    {"symlink", [](auto a) { return symlink("anywhere", a[0]); }},
    {"tmpfile", [](auto a) { return tmpfile_linked(a[0]); }},
    {"link", [](auto a) { return link(a[0], a[1]); }},
    {"rename", [](auto a) { return rename(a[0], a[1]); }},
    {"exchange", [](auto a) { return renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_EXCHANGE); }},
    {"unlink", [](auto a) { return unlink(a[0]); }},
    {"rmdir", [](auto a) { return rmdir(a[0]); }},
    {"chown", [](auto a) { return lchown(a[0], id(a[1]), id(a[2])); }},
    {"chgrp", [](auto a) { return lchown(a[0], static_cast<uid_t>(-1), id(a[1])); }},
    {"chmod", [](auto a) { return chmod(a[0], octal(a[1], 0)); }},
    {"read", [](auto a) { return print_contents(a[0]); }},
    {"write", [](auto a) { return write_to(a[0], 0, a[1]); }},
    {"append", [](auto a) { return write_to(a[0], O_APPEND, a[1]); }},
    {"createwrite", [](auto a) { return write_to(a[0], O_CREAT, a[1]); }},
    {"appendatstart", [](auto a) { return append_at_start(a[0], a[1]); }},
    {"appendbymapping", [](auto a) { return append_by_mapping(a[0], a[1]); }},
    {"truncate", [](auto a) { return truncate(a[0], std::atol(a[1])); }},
    {"setxattr", [](auto a) { return lsetxattr(a[0], a[1], a[2], std::strlen(a[2]), 0); }},
    {"removexattr", [](auto a) { return lremovexattr(a[0], a[1]); }},
    {"getxattr",
     [](auto a) {
       char value[4096];
       return lgetxattr(a[0], a[1], value, sizeof value) < 0 ? -1 : 0;
     }},
    {"list", [](auto a) { return list(a[0]); }},
    {"execute", [](auto a) { return execute(a[0]); }},
    {"whiteout", [](auto a) { return renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_WHITEOUT); }},
    {"touch", [](auto a) { return utimensat(AT_FDCWD, a[0], nullptr, AT_SYMLINK_NOFOLLOW); }},
};

}  // namespace

int main(int argc, char** argv) {
  const auto call = argc < 3 ? kCalls.end() : kCalls.find(argv[1]);
  if (call == kCalls.end()) {
    std::fprintf(stderr, "attempt: no such call\n");
    return 2;
  }
  const bool succeeded = call->second(argv + 2) == 0;
  std::puts(succeeded ? "ok" : strerrorname_np(errno));
  return succeeded ? 0 : 1;
}
