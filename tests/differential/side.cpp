#include "side.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "look.h"
#include "operations.h"

namespace differential {

namespace {

constexpr int kTimeoutMs = 60'000;
// An xattr's value of 70,000 bytes, and the rest of the step.
constexpr std::size_t kLongestMessage = 150'000;

[[noreturn]] void give_up(const std::string& what) {
  std::perror(what.c_str());
  std::exit(2);
}

// What is immutable or append-only could not be removed.
void clear_flags(const std::string& top) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(top, error);
  for (; !error && at != std::filesystem::end(at); at.increment(error)) {
    const auto status = at->symlink_status(error);
    if (!is_regular_file(status) && !is_directory(status)) continue;
    const int fd = ::open(at->path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int flags = 0;
    if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
      flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
      (void)::ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    ::close(fd);
  }
}

// What a step may change: its paths, the directories that they are in, its descriptors.
class Watch {
 public:
  Watch(Actor& actor, const Step& step) {
    const int directory = actor.directory(step);
    directory_ = directory == AT_FDCWD ? AT_FDCWD : ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
    add("path", directory_, step.path);
    add("other path", AT_FDCWD, step.other_path);
    slot_ = ::fcntl(actor.slot(step.slot), F_DUPFD_CLOEXEC, 0);
    if (slot_ >= 0) {
      watched_.push_back({"slot", slot_, "", AT_EMPTY_PATH, Times(slot_, "", AT_EMPTY_PATH)});
    }
  }

  std::string report() const {
    std::string text;
    for (const Watched& one : watched_) {
      text += "\n      " + one.name + ": " +
              status_of(one.directory, one.path.c_str(), one.at_flags) + " times " +
              one.times.moved();
    }
    return text;
  }

  ~Watch() {
    if (directory_ >= 0) ::close(directory_);
    if (slot_ >= 0) ::close(slot_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  struct Watched {
    std::string name;
    int directory;
    std::string path;
    int at_flags;
    Times times;
  };

  void add(const std::string& name, int directory, const std::string& path) {
    if (path.empty()) return;
    const auto watch = [&](const std::string& what, const std::string& where, int at_flags) {
      watched_.push_back({what, directory, where, at_flags, Times(directory, where, at_flags)});
    };
    watch(name, path, AT_SYMLINK_NOFOLLOW);
    const auto slash = path.rfind('/');
    const std::string above = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    watch(name + "'s directory", above, above.empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW);
  }

  int directory_ = AT_FDCWD;
  int slot_ = -1;
  std::vector<Watched> watched_;
};

bool is_gone(int directory) {
  struct stat status {};
  return ::fstatat(directory, "", &status, AT_EMPTY_PATH) == 0 && status.st_nlink == 0;
}

// In a directory that was removed nothing is looked up: under owner=caller nobody is asked whether
// it may be searched, then.
bool is_nowhere(const Actor& actor, const Step& step) {
  return actor.policy.name == "caller" && (is_gone(AT_FDCWD) || is_gone(actor.directory(step)));
}

std::string perform(Actor& actor, const Step& step) {
  const bool nowhere = is_nowhere(actor, step);
  // chdir leads back.
  if (nowhere && step.operation->name != std::string_view("chdir")) return "not asked";
  if (!step.look || nowhere) return step.operation->perform(actor, step);
  const Watch watch(actor, step);
  return step.operation->perform(actor, step) + watch.report();
}

// One packet a message: a reader wakes up once.
bool send(int fd, const std::string& message) {
  return ::send(fd, message.data(), message.size(), 0) == static_cast<ssize_t>(message.size());
}

bool receive(int fd, std::string& message) {
  static std::vector<char> buffer(kLongestMessage);
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  message.assign(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

}  // namespace

Side::Side(const std::string& base, const std::string& name, const Policy& policy, Where where)
    : path_(base + "/" + name), policy_(policy), where_(where) {
  if (::mkdir(path_.c_str(), 0777) < 0) give_up(path_);
  const unsigned owner =
      (policy.in_container ? 100000 : 0) + (is_everybody(policy, where) ? kEverybody : 0);
  if (::chown(path_.c_str(), owner, owner) < 0 || ::chmod(path_.c_str(), 0777) < 0) give_up(path_);
  root_fd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_fd_ < 0) give_up(path_);
  for (int i = 0; i < kActors; ++i) start_worker(i);
}

void Side::start_worker(int number) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) give_up("socketpair");
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    work(number, ends[1]);
  }
  ::close(ends[1]);
  workers_.push_back({pid, ends[0]});
}

void Side::work(int number, int parent) {
  // The other actors' ends: a worker ends when nobody can tell it anything any more.
  for (const Worker& other : workers_) ::close(other.connection);
  Actor actor = become(number, root_fd_, policy_, where_);
  for (std::string message; receive(parent, message);) {
    if (!send(parent, perform(actor, unpacked(message)))) break;
  }
  _exit(0);
}

Side::~Side() {
  for (const Worker& worker : workers_) ::close(worker.connection);
  for (const Worker& worker : workers_) ::waitpid(worker.pid, nullptr, 0);
  ::close(root_fd_);
  std::error_code error;
  if (policy_.has_file_flags) clear_flags(path_);
  std::filesystem::remove_all(path_, error);
  if (error) std::fprintf(stderr, "%s: %s\n", path_.c_str(), error.message().c_str());
}

void Side::start(const Step& step) {
  busy_ = &workers_[static_cast<std::size_t>(step.actor)];
  if (!send(busy_->connection, packed(step))) give_up("an actor has ended");
}

std::string Side::collect() {
  pollfd ready{busy_->connection, POLLIN, 0};
  if (::poll(&ready, 1, kTimeoutMs) != 1) return "hangs";
  std::string text;
  return receive(busy_->connection, text) ? text : "died";
}

std::vector<std::string> Side::tree() const {
  return tree_of(root_fd_);
}

}  // namespace differential
