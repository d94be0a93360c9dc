// lock_interrupts FILE KIND COUNT: waits for a lock on FILE (KIND flock, ofd or posix), which
// another process holds, COUNT times, and has a signal come at a certain moment each time. Prints
// how long after it the wait had ended. Fails if a wait ends otherwise than by EINTR. A signal that
// came before the wait, as on a busy machine, is followed by another; that wait is not counted.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr long kSecond = 1'000'000'000;
constexpr long kAgainNs = kSecond / 2;

volatile std::sig_atomic_t is_waiting = 0;
volatile std::sig_atomic_t came_early = 0;

long now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

int await_lock(int fd, const std::string& kind) {
  if (kind == "flock") return ::flock(fd, LOCK_EX);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  return ::fcntl(fd, kind == "ofd" ? F_OFD_SETLKW : F_SETLKW, &lock);
}

timer_t make_timer() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    if (is_waiting == 0) came_early = 1;
  };
  ::sigaction(SIGALRM, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  timer_t timer{};
  ::timer_create(CLOCK_MONOTONIC, &event, &timer);
  return timer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string kind = argv[2];
  const int count = std::atoi(argv[3]);
  const int fd = ::open(argv[1], O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    std::perror(argv[1]);
    return 2;
  }
  timer_t timer = make_timer();
  std::vector<double> took_ms;
  while (took_ms.size() < static_cast<std::size_t>(count)) {
    came_early = 0;
    const long at = now_ns() + 3'000'000;
    const itimerspec when{{0, kAgainNs}, {at / kSecond, at % kSecond}};
    ::timer_settime(timer, TIMER_ABSTIME, &when, nullptr);
    is_waiting = 1;
    const bool has_lock = await_lock(fd, kind) == 0;
    const int error = errno;
    is_waiting = 0;
    if (has_lock || error != EINTR) {
      errno = error;
      std::perror("the wait ended otherwise");
      return 1;
    }
    if (came_early != 0) continue;
    took_ms.push_back(static_cast<double>(now_ns() - at) / 1e6);
  }
  std::sort(took_ms.begin(), took_ms.end());
  const auto late =
      std::count_if(took_ms.begin(), took_ms.end(), [](double ms) { return ms > 10; });
  std::printf("%d waits ended, median %.2f ms, most %.2f ms, %d after more than 10 ms\n", count,
              took_ms[took_ms.size() / 2], took_ms.back(), static_cast<int>(late));
  return 0;
}
