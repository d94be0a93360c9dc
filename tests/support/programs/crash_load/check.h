// What crash_load's system calls go through: each answer is the expected one, or an exception that
// says what was unexpected of which operation on which path. One thread only.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

// Thrown where an answer is not what it has to be.
struct Unexpected {
  std::string what;
};

// The answers of a view whose processes have all ended.
struct Lost : Unexpected {};

// What the process is at, for the messages.
inline std::string operation;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void expect(bool is_right, const std::string& path, const std::string& detail);

// Throws what the call's errno says.
[[noreturn]] void throw_failure(const std::string& path, const char* call, int error);

// A system call that has to succeed. Returns what it returns.
template <class Number>
Number must(Number result, const std::string& path, const char* call) {
  if (result < 0) throw_failure(path, call, errno);
  return result;
}

// A system call that has to fail so.
void must_fail(long result, int error, const std::string& path, const char* call);

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  void close(const std::string& path) { must(::close(std::exchange(fd_, -1)), path, "close"); }

 private:
  int fd_;
};

Fd open_file(const std::string& path, int flags, mode_t mode = 0);
struct stat status_of(const std::string& path);
bool exists(const std::string& path);
void write_all(int fd, const std::string& data, off_t offset, const std::string& path);
std::string read_some(int fd, std::size_t size, off_t offset, const std::string& path);
std::string read_target(const std::string& path);  // readlink(2)
void expect_data(const std::string& found, const std::string& wanted, const std::string& path);

// Names in a directory by getdents64 from its current position on, with a buffer so small that it
// takes many requests. Stops after `most` names; leaves the position behind the last.
std::vector<std::string> read_names(int fd, const std::string& path, std::size_t most);

// Without "." and "..". Names that begin with `tag` may be there only once. Others' may come twice:
// btrfs lists a name again that was renamed over meanwhile, also without a view.
std::set<std::string> set_of(const std::vector<std::string>& names, const std::string& path,
                             const std::string& tag = "");
