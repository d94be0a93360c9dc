// open_many DIRECTORY MOST [directories]: makes and opens files (or directories) in DIRECTORY until
// it may not open more, or has MOST. Prints how many it has and why it stopped ("all", or an
// errno), and keeps them open until its input ends.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int make_and_open(const char* path, bool is_directory) {
  if (!is_directory) return open(path, O_RDWR | O_CREAT, 0644);
  return mkdir(path, 0755) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  // The limit that is met shall be the view's.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int most = std::atoi(argv[2]);
  const char* stopped = "all";
  int count = 0;
  for (; count < most; ++count) {
    const std::string path = std::string(argv[1]) + "/" + std::to_string(count);
    if (make_and_open(path.c_str(), argc > 3) < 0) {
      stopped = strerrorname_np(errno);
      break;
    }
  }
  std::printf("%d %s\n", count, stopped);
  std::fflush(stdout);
  char ignored;
  while (read(STDIN_FILENO, &ignored, 1) > 0) {
  }
  return 0;
}
