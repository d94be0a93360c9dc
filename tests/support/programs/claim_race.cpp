// claim_race ROUNDS PROCESSES FIRST_UID FIRST_GID VIEW...: in each round the host's root makes a
// fresh directory, and processes of as many uids, spread over the views of the tree, make an entry
// in it at the same moment. Exactly one of them may: it owns the directory and the only entry, and
// all others get EACCES. Prints what else happened; ends with 0 or 1.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr unsigned kMostProcesses = 200;
constexpr int kNotRun = -1;

struct Shared {
  std::atomic<unsigned> ready;
  std::atomic<bool> go;
  std::atomic<int> results[kMostProcesses];  // errno, 0 for success
};

struct Race {
  unsigned processes;
  uid_t first_uid;
  gid_t first_gid;
  std::vector<std::string> views;
  Shared* shared;
  unsigned faults = 0;

  uid_t uid(unsigned i) const { return first_uid + i; }
  gid_t gid(unsigned i) const { return first_gid + i; }
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(2);
}

int make_something(unsigned kind, const std::string& path) {
  switch (kind % 5) {
    case 0:
      return open(path.c_str(), O_WRONLY | O_CREAT, 0644);
    case 1:
      return mkdir(path.c_str(), 0755);
    case 2:
      return symlink("anywhere", path.c_str());
    case 3:
      return mkfifo(path.c_str(), 0644);
    default:
      return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
  }
}

[[noreturn]] void compete(const Race& race, unsigned i, const std::string& name) {
  const std::string directory = race.views[i % race.views.size()] + "/" + name;
  // Gid before uid: after giving up root the gid can no longer be changed.
  if (setgroups(0, nullptr) < 0) give_up("setgroups");
  if (setresgid(race.gid(i), race.gid(i), race.gid(i)) < 0) give_up("setresgid");
  if (setresuid(race.uid(i), race.uid(i), race.uid(i)) < 0) give_up("setresuid");
  race.shared->ready.fetch_add(1);
  while (!race.shared->go.load()) sched_yield();
  // Looking at the directory is part of the race: it is how a view learns that it was claimed.
  struct stat status {};
  if (i % 3 == 0) (void)stat(directory.c_str(), &status);
  const int made = make_something(i / static_cast<unsigned>(race.views.size()),
                                  directory + "/" + std::to_string(i));
  race.shared->results[i] = made < 0 ? errno : 0;
  _exit(0);
}

void report(Race& race, std::initializer_list<std::string_view> words) {
  ++race.faults;
  for (const std::string_view word : words) std::fwrite(word.data(), 1, word.size(), stdout);
  std::putchar('\n');
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> names;
  DIR* stream = opendir(directory.c_str());
  if (stream == nullptr) give_up("opendir");
  while (const dirent* entry = readdir(stream)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(stream);
  return names;
}

std::string owner(uid_t uid, gid_t gid) {
  return std::to_string(uid) + ":" + std::to_string(gid);
}

std::string owner_of(const struct stat& status) {
  return owner(status.st_uid, status.st_gid);
}

void check_view(Race& race, const std::string& directory, unsigned winner) {
  const std::string wanted = owner(race.uid(winner), race.gid(winner));
  struct stat status {};
  if (stat(directory.c_str(), &status) < 0) give_up("stat");
  if (owner_of(status) != wanted) {
    report(race, {directory, " belongs to ", owner_of(status), ", the winner is ", wanted});
  }
  if ((status.st_mode & 07777) != 0755) {
    report(race, {directory, " is still shown with another mode than 0755"});
  }
  for (const std::string& name : entries_of(directory)) {
    const std::string path = std::string(directory).append("/").append(name);
    if (lstat(path.c_str(), &status) < 0) give_up("lstat");
    if (owner_of(status) != wanted) {
      report(race, {path, " belongs to ", owner_of(status), ", not to ", wanted});
    }
  }
}

void check(Race& race, const std::string& name) {
  std::vector<unsigned> winners;
  for (unsigned i = 0; i < race.processes; ++i) {
    const int result = race.shared->results[i];
    if (result == 0) {
      winners.push_back(i);
    } else if (result != EACCES) {
      const char* got = result == kNotRun ? "nowhere" : strerrorname_np(result);
      report(race, {name, ": process ", std::to_string(i), " got ", got});
    }
  }
  if (winners.size() != 1) {
    report(race, {name, ": ", std::to_string(winners.size()), " processes made an entry"});
  }
  if (winners.empty()) return;
  for (const std::string& view : race.views) {
    check_view(race, std::string(view).append("/").append(name), winners.front());
  }
}

void run(Race& race, unsigned round) {
  const std::string name = "race-" + std::to_string(round);
  race.shared->ready = 0;
  race.shared->go = false;
  for (auto& result : race.shared->results) result = kNotRun;
  if (mkdir((race.views.front() + "/" + name).c_str(), 0755) < 0) give_up("mkdir");
  for (unsigned i = 0; i < race.processes; ++i) {
    const pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) compete(race, i, name);
  }
  while (race.shared->ready < race.processes) sched_yield();
  race.shared->go = true;
  while (wait(nullptr) > 0) {
  }
  check(race, name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const auto number = [&](int i) {
    return static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10));
  };
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || number(2) > kMostProcesses) return 2;
  Race race{number(2), number(3), number(4), {argv + 5, argv + argc}, static_cast<Shared*>(memory)};
  for (unsigned round = 0; round < number(1); ++round) run(race, round);
  return race.faults == 0 ? 0 : 1;
}
