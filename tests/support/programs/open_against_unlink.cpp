// open_against_unlink PATH OPENS SECONDS: opens PATH with O_CREAT and unlinks it, OPENS times or
// for SECONDS, while others do the same. Prints "OPENS opens", and which errnos came how often:
// none but an unlink's ENOENT belongs there.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const char* path = argv[1];
  const long most = std::atol(argv[2]);
  const std::time_t end = std::time(nullptr) + std::atol(argv[3]);
  std::map<std::string, long> errors;
  long opens = 0;
  for (; opens < most && std::time(nullptr) < end; ++opens) {
    const int fd = open(path, O_RDWR | O_CREAT, 0644);
    if (fd < 0) {
      ++errors[std::string("open ") + strerrorname_np(errno)];
    } else {
      close(fd);
    }
    if (unlink(path) < 0 && errno != ENOENT) {
      ++errors[std::string("unlink ") + strerrorname_np(errno)];
    }
  }
  std::printf("%ld opens\n", opens);
  for (const auto& [error, count] : errors) std::printf("%s: %ld\n", error.c_str(), count);
  return errors.empty() ? 0 : 1;
}
