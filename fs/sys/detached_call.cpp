#include "sys/detached_call.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "sys/process.h"

namespace cvfs::sys {

namespace {

// Its handlers are for our threads; those that it inherits would run with our thread's variables.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-avoid-c-arrays): a stack
DetachedCall::DetachedCall() : running_(0), stack_(new std::byte[kStackBytes]) {}

DetachedCall::~DetachedCall() {
  while (!await(1000)) continue;
}

int DetachedCall::run(void* self) {
  auto& call = *static_cast<DetachedCall*>(self);
  call.call_(call.argument_);
  return 0;
}

Result<void> DetachedCall::start(Call call, void* argument) {
  call_ = call;
  argument_ = argument;
#ifdef CVFS_SANITIZED
  call_(argument_);  // a sanitizer's runtime does not know such a process
  return {};
#else
  constexpr int kFlags =
      CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  const AllSignalsBlocked guard;
  auto* word = reinterpret_cast<pid_t*>(&running_);
  const int pid = ::clone(run, stack_.get() + kStackBytes, kFlags, this, word, nullptr, word);
  if (pid < 0) return last_error();
  pid_ = pid;
  return {};
#endif
}

bool DetachedCall::await(int timeout_ms) {
  const std::uint64_t end = monotonic_us() + static_cast<std::uint64_t>(timeout_ms) * 1000;
  while (const std::uint32_t running = running_) {
    const int left_ms = ms_until(end);
    if (left_ms == 0) return false;
    const timespec left{left_ms / 1000, left_ms % 1000 * 1'000'000L};
    (void)::syscall(SYS_futex, &running_, FUTEX_WAIT, running, &left, nullptr, 0);
  }
  // It needs its stack no more, and ends at once.
  if (pid_ != 0) (void)::waitpid(std::exchange(pid_, 0), nullptr, __WALL);
  return true;
}

}  // namespace cvfs::sys
