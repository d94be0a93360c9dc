// cache_hammer CHANGED SEEN SECONDS RATE BOUND_MS: changes a tree behind a view's back and looks
// for what the view shows although it is no longer so.
//
// CHANGED and SEEN are the same directory, beside the view (or in another one) and in it. One
// thread makes RATE changes a second in CHANGED: creates, writes, truncates, chmods, replaces,
// renames and removes names, and directories as well; others look at the same names in SEEN all the
// time: at their status, at listings, and at names that are not there; one makes and removes names
// of its own in SEEN meanwhile, which have to be right at once. Each state of a name is told by its
// size. Fails if anything was shown more than BOUND_MS after it had ended, or never was.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "history.h"

namespace hammer {
namespace {

constexpr int kDirectories = 4;
constexpr int kNames = 12;  // in each

struct Work {
  std::string changed;
  std::string seen;
  History files[kDirectories][kNames];
  std::atomic<bool> stop = false;
  std::atomic<long> changes = 0;
  std::atomic<long> looks = 0;
  std::atomic<long> faults = 0;
  std::atomic<long> worst_us = 0;
  std::atomic<long> late = 0;  // looks at what had ended more than 100 ms before
  Clock::duration bound{};
};

std::string name_of(int file) {
  return "n" + std::to_string(file);
}
std::string directory_of(const std::string& top, int directory) {
  return top + "/d" + std::to_string(directory);
}
std::string path_of(const std::string& top, int directory, int file) {
  return directory_of(top, directory) + "/" + name_of(file);
}

void must(bool succeeded, const char* what, const std::string& path) {
  if (succeeded) return;
  std::fprintf(stderr, "cache_hammer: %s %s: %s\n", what, path.c_str(), std::strerror(errno));
  std::exit(2);
}

// ---- who changes

class Changer {
 public:
  explicit Changer(Work& work) : work_(work) {}

  void run(int rate) {
    for (int i = 0; i < kDirectories; ++i) make_top(i);
    Time next = Clock::now();
    while (!work_.stop) {
      change_something();
      ++work_.changes;
      next += std::chrono::microseconds(1'000'000 / rate);
      std::this_thread::sleep_until(next);
    }
  }

 private:
  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
  // Of its own for each state.
  State fresh() { return {++size_, 0600U | static_cast<unsigned>(size_ % 2 * 0044)}; }

  void make_top(int directory) {
    const std::string path = directory_of(work_.changed, directory);
    must(::mkdir(path.c_str(), 0755) == 0, "mkdir", path);
  }

  void make_file(const std::string& path, State state) {
    const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    must(fd >= 0, "create", path);
    must(::ftruncate(fd, state.size) == 0, "truncate", path);
    must(::fchmod(fd, state.mode) == 0, "chmod", path);
    ::close(fd);
  }

  void change_something() {
    const int directory = below(kDirectories);
    const int file = below(kNames);
    const std::string path = path_of(work_.changed, directory, file);
    History& history = work_.files[directory][file];
    const State before = history.now();
    const int kind = below(before.size < 0 ? 2 : 7);
    State after = before;
    if (before.size < 0 || kind < 2) {
      after = fresh();
    } else if (kind < 5) {
      after.size = ++size_;
    } else if (kind < 6) {
      after.mode ^= 0011;
    } else {
      after = State{};
    }
    history.begin(after);
    if (before.size < 0 || kind < 2) {
      replace(path, after);
    } else if (kind < 4) {
      must(::truncate(path.c_str(), after.size) == 0, "truncate", path);
    } else if (kind < 5) {
      append(path, after.size);
    } else if (kind < 6) {
      must(::chmod(path.c_str(), after.mode) == 0, "chmod", path);
    } else {
      must(::unlink(path.c_str()) == 0, "unlink", path);
    }
    history.end();
  }

  void replace(const std::string& path, State state) {
    const std::string fresh_path = work_.changed + "/fresh";
    make_file(fresh_path, state);
    must(::rename(fresh_path.c_str(), path.c_str()) == 0, "rename", path);
  }

  void append(const std::string& path, std::int64_t to) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    must(fd >= 0, "open", path);
    must(::pwrite(fd, "x", 1, to - 1) == 1, "write", path);
    ::close(fd);
  }

  Work& work_;
  std::mt19937 random_{4711};
  std::int64_t size_ = 0;
};

// ---- who looks

void judge(Work& work, Clock::duration age, const std::string& what) {
  ++work.looks;
  if (age == Clock::duration::zero()) return;
  const long us = age == Clock::duration::max()
                      ? -1
                      : std::chrono::duration_cast<std::chrono::microseconds>(age).count();
  if (us > 100'000) ++work.late;
  for (long worst = work.worst_us; us > worst && !work.worst_us.compare_exchange_weak(worst, us);) {
  }
  if (us >= 0 && age <= work.bound) return;
  if (work.faults++ < 10) std::printf("STALE %s, %.1f ms\n", what.c_str(), double(us) / 1000);
}

State look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return {status.st_size, status.st_mode & 0777U};
  must(errno == ENOENT, "stat", path);
  return {};
}

void look_at_names(Work& work, unsigned seed) {
  std::mt19937 random(seed);
  while (!work.stop) {
    const int directory = int(random() % kDirectories);
    const int file = int(random() % kNames);
    const std::string path = path_of(work.seen, directory, file);
    const Time begin = Clock::now();
    const State state = look_at(path);
    const auto age = work.files[directory][file].age(begin, Clock::now(), [&](const State& other) {
      // A new file has the size and mode of the end only there: what is replaced is complete.
      return other == state;
    });
    judge(work, age,
          path + " of size " + std::to_string(state.size) + " and mode " +
              std::to_string(state.mode));
  }
}

std::map<std::string, bool> list(const std::string& path) {
  std::map<std::string, bool> names;
  DIR* directory = ::opendir(path.c_str());
  must(directory != nullptr, "opendir", path);
  while (const dirent* entry = ::readdir(directory)) names[entry->d_name] = true;
  ::closedir(directory);
  return names;
}

void look_at_listings(Work& work) {
  std::mt19937 random(99);
  while (!work.stop) {
    const int directory = int(random() % kDirectories);
    const std::string path = directory_of(work.seen, directory);
    const Time begin = Clock::now();
    const auto names = list(path);
    const Time end = Clock::now();
    for (int file = 0; file < kNames; ++file) {
      const bool is_there = names.contains(name_of(file));
      const auto age = work.files[directory][file].age(
          begin, end, [&](const State& state) { return (state.size >= 0) == is_there; });
      judge(work, age, "listing of " + path + (is_there ? " with " : " without ") + name_of(file));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// What the view's own users do is seen by them at once, whatever else happens there.
void use(Work& work) {
  for (long i = 0; !work.stop; ++i) {
    const std::string path =
        directory_of(work.seen, int(i % kDirectories)) + "/own" + std::to_string(i % 7);
    const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    must(fd >= 0, "create", path);
    must(::pwrite(fd, "xyz", 3, 0) == 3, "write", path);
    ::close(fd);
    State state = look_at(path);
    if (state.size != 3) judge(work, Clock::duration::max(), path + " just written");
    must(::chmod(path.c_str(), 0640) == 0, "chmod", path);
    if (look_at(path).mode != 0640) judge(work, Clock::duration::max(), path + " just chmodded");
    must(::rename(path.c_str(), (path + "b").c_str()) == 0, "rename", path);
    if (look_at(path).size >= 0) judge(work, Clock::duration::max(), path + " just renamed");
    must(::unlink((path + "b").c_str()) == 0, "unlink", path);
    if (look_at(path + "b").size >= 0) judge(work, Clock::duration::max(), path + " just removed");
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

int run(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: cache_hammer CHANGED SEEN SECONDS RATE BOUND_MS\n");
    return 2;
  }
  ::umask(0);
  Work work;
  work.changed = argv[1];
  work.seen = argv[2];
  work.bound = std::chrono::milliseconds(std::atoi(argv[5]));
  Changer changer(work);
  std::vector<std::thread> threads;
  threads.emplace_back([&] { changer.run(std::atoi(argv[4])); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100) + work.bound);
  for (const unsigned seed : {1U, 2U})
    threads.emplace_back([&, seed] { look_at_names(work, seed); });
  threads.emplace_back([&] { look_at_listings(work); });
  threads.emplace_back([&] { use(work); });
  std::this_thread::sleep_for(std::chrono::seconds(std::atoi(argv[3])));
  work.stop = true;
  for (std::thread& thread : threads) thread.join();
  std::printf(
      "%ld changes, %ld looks, %ld stale, %ld older than 100 ms; the worst was %.1f ms old\n",
      work.changes.load(), work.looks.load(), work.faults.load(), work.late.load(),
      double(work.worst_us) / 1000);
  return work.faults == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hammer

int main(int argc, char** argv) {
  return hammer::run(argc, argv);
}
