#include "check.h"

#include <dirent.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

void expect(bool is_right, const std::string& path, const std::string& detail) {
  if (!is_right) throw Unexpected{operation + " " + path + ": " + detail};
}

void throw_failure(const std::string& path, const char* call, int error) {
  std::string what = operation + " " + path + ": " + call + ": " + std::strerror(error);
  // ECONNABORTED: it ended while it had the request.
  if (error == ENOTCONN || error == ECONNABORTED) throw Lost{{std::move(what)}};
  throw Unexpected{std::move(what)};
}

void must_fail(long result, int error, const std::string& path, const char* call) {
  expect(result < 0, path, std::string(call) + " succeeded");
  if (errno != error) throw_failure(path, call, errno);
}

Fd open_file(const std::string& path, int flags, mode_t mode) {
  return Fd(must(::open(path.c_str(), flags | O_CLOEXEC, mode), path, "open"));
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  must(::lstat(path.c_str(), &status), path, "lstat");
  return status;
}

bool exists(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return true;
  if (errno != ENOENT) throw_failure(path, "lstat", errno);
  return false;
}

void write_all(int fd, const std::string& data, off_t offset, const std::string& path) {
  const ssize_t put = must(::pwrite(fd, data.data(), data.size(), offset), path, "pwrite");
  expect(put == static_cast<ssize_t>(data.size()), path, "a short write");
}

std::string read_some(int fd, std::size_t size, off_t offset, const std::string& path) {
  std::string data(size, '\0');
  data.resize(
      static_cast<std::size_t>(must(::pread(fd, data.data(), size, offset), path, "pread")));
  return data;
}

std::string read_target(const std::string& path) {
  char target[256];
  const ssize_t size = must(::readlink(path.c_str(), target, sizeof target), path, "readlink");
  return {target, static_cast<std::size_t>(size)};
}

void expect_data(const std::string& found, const std::string& wanted, const std::string& path) {
  if (found == wanted) return;
  std::size_t at = 0;
  while (at < found.size() && at < wanted.size() && found[at] == wanted[at]) ++at;
  expect(false, path,
         "contents differ at byte " + std::to_string(at) + " (" + std::to_string(found.size()) +
             " bytes instead of " + std::to_string(wanted.size()) + ")");
}

std::vector<std::string> read_names(int fd, const std::string& path, std::size_t most) {
  std::vector<std::string> names;
  alignas(dirent64) char buffer[480];
  while (names.size() < most) {
    const long got = must(::syscall(SYS_getdents64, fd, buffer, sizeof buffer), path, "getdents64");
    if (got == 0) break;
    off_t next = 0;
    for (long at = 0; at < got && names.size() < most;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      names.emplace_back(entry->d_name);
      next = entry->d_off;
      at += entry->d_reclen;
    }
    must(::lseek(fd, next, SEEK_SET), path, "lseek of a directory");
  }
  return names;
}

std::set<std::string> set_of(const std::vector<std::string>& names, const std::string& path,
                             const std::string& tag) {
  std::set<std::string> set;
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    expect(set.insert(name).second || !name.starts_with(tag), path,
           "readdir gives " + name + " twice");
  }
  return set;
}
