// lock_crowd FILE COUNT KIND [ROUNDS]: COUNT threads wait at once for one lock on FILE, each by an
// open file of its own (KIND ofd or flock), or processes (posix); then whether another request is
// answered meanwhile; then each gets the lock and gives it on. Prints what it measured; fails if
// one waits for ever, or if two hold it at a time.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Shared {
  std::atomic<int> waiting;
  std::atomic<int> served;
  std::atomic<int> holders;
  std::atomic<int> faults;
  std::atomic<int> interrupted;
};
Shared* shared;
std::string kind;
const char* path;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

int take(int fd, bool waits) {
  if (kind == "flock") return ::flock(fd, LOCK_EX | (waits ? 0 : LOCK_NB));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  if (kind == "ofd") return ::fcntl(fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
  return ::fcntl(fd, waits ? F_SETLKW : F_SETLK, &lock);
}

void drop(int fd) {
  struct flock lock {};
  lock.l_type = F_UNLCK;
  if (kind == "flock") {
    ::flock(fd, LOCK_UN);
  } else {
    ::fcntl(fd, kind == "ofd" ? F_OFD_SETLK : F_SETLK, &lock);
  }
}

void* wait_once(void*) {
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    ++shared->faults;
    return nullptr;
  }
  ++shared->waiting;
  if (take(fd, true) != 0) {
    ++(errno == EINTR ? shared->interrupted : shared->faults);
    ::close(fd);
    return nullptr;
  }
  if (++shared->holders != 1) ++shared->faults;
  --shared->holders;
  ++shared->served;
  drop(fd);
  ::close(fd);
  return nullptr;
}

void start(std::vector<pthread_t>& threads, int count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 << 10);
  for (int i = 0; i < count; ++i) {
    if (kind == "posix") {
      if (::fork() == 0) {
        wait_once(nullptr);
        ::_exit(0);
      }
      continue;
    }
    pthread_t thread{};
    if (pthread_create(&thread, &attributes, wait_once, nullptr) != 0) ++shared->faults;
    threads.push_back(thread);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  path = argv[1];
  const int count = std::atoi(argv[2]);
  kind = argv[3];
  shared = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || take(fd, false) != 0) {
    std::perror(path);
    return 1;
  }
  Clock::time_point begin = Clock::now();
  std::vector<pthread_t> threads;
  start(threads, count);
  while (shared->waiting + shared->faults < count) ::usleep(1000);
  ::usleep(300'000);
  std::printf("%d wait after %.0f ms, %d could not\n", shared->waiting.load(),
              ms_since(begin) - 300, shared->faults.load());

  begin = Clock::now();
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::string(path) + ".other";
    const int other = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (other < 0 || ::close(other) != 0 || ::unlink(name.c_str()) != 0) ++shared->faults;
  }
  std::printf("meanwhile create, close, unlink of another file: %.2f ms each\n",
              ms_since(begin) / 100);
  if (const char* pause_ms = std::getenv("LOCK_CROWD_PAUSE")) {
    ::poll(nullptr, 0, std::atoi(pause_ms));
  }

  begin = Clock::now();
  drop(fd);
  while (shared->served + shared->faults + shared->interrupted < count && ms_since(begin) < 300'000)
    ::usleep(1000);
  const double took = ms_since(begin);
  std::printf("%d served in %.0f ms, %.3f ms each; %d faults\n", shared->served.load(), took,
              took / count, shared->faults.load());
  const bool is_whole = shared->served == count && shared->faults == 0;
  if (!is_whole) ::_exit(1);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  while (::wait(nullptr) > 0) {
  }
  return 0;
}
