// watch_owner COUNT VIEW BACKING UID GID STORED_UID STORED_GID: a process of UID:GID makes files,
// directories, symlinks, pipes and nodes in the directory VIEW while another looks at each name in
// BACKING, the same directory on disk, from before it exists. Whoever is ever seen as an owner must
// be STORED_UID:STORED_GID. Prints what was seen else; ends with 0 or 1.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

struct Shared {
  std::atomic<unsigned> watched;  // the name that is being looked for
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(2);
}

int make_something(int directory, const char* name, unsigned kind) {
  switch (kind % 5) {
    case 0:
      return close(openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0644));
    case 1:
      return mkdirat(directory, name, 0755);
    case 2:
      return symlinkat("anywhere", directory, name);
    case 3:
      return mkfifoat(directory, name, 0644);
    default:
      return mknodat(directory, name, S_IFREG | 0644, 0);
  }
}

[[noreturn]] void make_all(Shared& shared, unsigned count, const char* view, uid_t uid, gid_t gid) {
  if (setgroups(0, nullptr) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
    give_up("setresuid");
  }
  const int directory = open(view, O_PATH | O_DIRECTORY);
  if (directory < 0) give_up(view);
  for (unsigned i = 0; i < count; ++i) {
    while (shared.watched.load() < i) sched_yield();
    char name[16];
    std::snprintf(name, sizeof name, "%u", i);
    if (make_something(directory, name, i) < 0) give_up(name);
  }
  _exit(0);
}

// The owner from the first moment on at which the name exists, and a few times more.
bool watch(int directory, unsigned i, uid_t uid, gid_t gid, pid_t maker) {
  char name[16];
  std::snprintf(name, sizeof name, "%u", i);
  struct stat status {};
  for (unsigned long tries = 1; fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0;
       ++tries) {
    if (tries % 1000 == 0 && waitpid(maker, nullptr, WNOHANG) != 0) {
      std::printf("%s was never made\n", name);
      std::exit(2);
    }
  }
  for (int looks = 0; looks < 3; ++looks) {
    if (status.st_uid != uid || status.st_gid != gid) {
      std::printf("%s was seen with owner %u:%u\n", name, status.st_uid, status.st_gid);
      return false;
    }
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) give_up(name);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  const auto number = [&](int i) {
    return static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
  };
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  auto& shared = *static_cast<Shared*>(memory);
  const int directory = open(argv[3], O_PATH | O_DIRECTORY);
  if (directory < 0) give_up(argv[3]);
  const pid_t maker = fork();
  if (maker < 0) give_up("fork");
  if (maker == 0) make_all(shared, number(1), argv[2], number(4), number(5));
  unsigned faults = 0;
  for (unsigned i = 0; i < number(1); ++i) {
    shared.watched = i;
    if (!watch(directory, i, number(6), number(7), maker)) ++faults;
  }
  int ended = 0;
  if (waitpid(maker, &ended, 0) == maker && ended != 0) return 2;
  return faults == 0 ? 0 : 1;
}
