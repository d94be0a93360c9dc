#include "sys/lock_calls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace cvfs::sys {
namespace {

// Locked by an open file of its own until it ends.
class LockedFile {
 public:
  LockedFile() {
    holder_.reset(::mkstemp(path_.data()));
    (void)call(holder_.get(), F_OFD_SETLK);
  }
  ~LockedFile() { ::unlink(path_.c_str()); }
  UniqueFd open() const { return UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC)); }
  void unlock() { holder_.reset(); }
  static int call(int fd, int command) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    return ::fcntl(fd, command, &lock);
  }

 private:
  std::string path_ = testing::TempDir() + "cvfs-locks-XXXXXX";
  UniqueFd holder_;
};

// What is seen of a thread that asks for the lock by `command`, once it sleeps.
LockCall seen(int command) {
  LockedFile file;
  const UniqueFd fd = file.open();
  std::atomic<pid_t> tid = 0;
  std::jthread thread([&] {
    tid = ::gettid();
    (void)LockedFile::call(fd.get(), command);
  });
  LockCall call = LockCall::kRunning;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // It may sleep in something else before.
  while (call != LockCall::kPosixWait && std::chrono::steady_clock::now() < end) {
    call = tid == 0 ? LockCall::kRunning : lock_call_of(tid);
    if (call == LockCall::kOther && command == F_OFD_SETLKW) break;
  }
  EXPECT_EQ(posix_sleepers_of(::getpid()).size(), command == F_SETLKW ? 1U : 0U);
  file.unlock();
  return call;
}

TEST(LockCalls, TellsWhoWaitsForAPosixLock) {
  EXPECT_EQ(seen(F_SETLKW), LockCall::kPosixWait);
  EXPECT_EQ(seen(F_OFD_SETLKW), LockCall::kOther);
}

TEST(LockCalls, SaysOfOneThatRunsThatItRuns) {
  std::atomic<pid_t> tid = 0;
  std::atomic<bool> is_ending = false;
  std::jthread thread([&] {
    tid = ::gettid();
    while (!is_ending) continue;
  });
  while (tid == 0) std::this_thread::yield();
  EXPECT_EQ(lock_call_of(tid, 3), LockCall::kRunning);
  is_ending = true;
}

TEST(LockCalls, ASleeperStaysTheSameUntilItWakes) {
  LockedFile file;
  const UniqueFd fd = file.open();
  std::jthread thread([&] { (void)LockedFile::call(fd.get(), F_SETLKW); });
  std::vector<LockSleeper> first;
  while (first.empty()) first = posix_sleepers_of(::getpid());
  EXPECT_EQ(posix_sleepers_of(::getpid()), first);
  file.unlock();
  thread.join();
  EXPECT_TRUE(posix_sleepers_of(::getpid()).empty());
}

}  // namespace
}  // namespace cvfs::sys
