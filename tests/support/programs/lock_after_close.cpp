// lock_after_close FIRST SECOND KIND ROUNDS: locks a file by the path FIRST (KIND flock, ofd or
// posix) and closes it without unlocking; then tries to lock it by the path SECOND at once. Prints
// how often it was refused, and how long a try took in the middle and at most. Fails if anything
// else happens.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

int try_lock(int fd, const std::string& kind) {
  if (kind == "flock") return ::flock(fd, LOCK_EX | LOCK_NB);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  return ::fcntl(fd, kind == "ofd" ? F_OFD_SETLK : F_SETLK, &lock);
}

int open_file(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    std::perror(path);
    std::exit(2);
  }
  return fd;
}

// Until it has it: the round before may still be closing.
void lock_surely(int fd, const std::string& kind) {
  while (try_lock(fd, kind) != 0) ::usleep(100);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string kind = argv[3];
  const int rounds = std::atoi(argv[4]);
  int refused = 0;
  std::vector<double> took;
  for (int i = 0; i < rounds; ++i) {
    const int first = open_file(argv[1]);
    const int second = open_file(argv[2]);
    lock_surely(first, kind);
    ::close(first);
    const auto begin = Clock::now();
    const int got = try_lock(second, kind);
    took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    if (got != 0 && errno != EAGAIN) {
      std::perror("lock");
      return 2;
    }
    refused += got != 0 ? 1 : 0;
    ::close(second);
  }
  std::sort(took.begin(), took.end());
  std::printf("%d of %d refused; a try took %.3f ms, at most %.3f ms\n", refused, rounds,
              took[took.size() / 2], took.back());
  return 0;
}
