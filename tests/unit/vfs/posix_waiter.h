// PosixWaiter: a thread that waits for a POSIX lock, of a file of its own, for as long as it lives:
// whoever looks at it takes what it is said to ask for as such.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "sys/lock_calls.h"

namespace cvfs {

class PosixWaiter {
 public:
  PosixWaiter() {
    std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
    holder_.reset(::mkstemp(path.data()));
    asker_.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ::unlink(path.c_str());
    (void)lock(holder_.get(), F_OFD_SETLK);
    thread_ = std::jthread([this] {
      tid_ = ::gettid();
      (void)lock(asker_.get(), F_SETLKW);
    });
    while (tid_ == 0 || sys::lock_call_of(tid_) != sys::LockCall::kPosixWait) {
      std::this_thread::yield();
    }
  }
  ~PosixWaiter() { holder_.reset(); }
  PosixWaiter(const PosixWaiter&) = delete;
  PosixWaiter& operator=(const PosixWaiter&) = delete;

  pid_t tid() const { return tid_; }

 private:
  static int lock(int fd, int command) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    return ::fcntl(fd, command, &lock);
  }

  UniqueFd holder_;
  UniqueFd asker_;
  std::atomic<pid_t> tid_ = 0;
  std::jthread thread_;
};

}  // namespace cvfs
