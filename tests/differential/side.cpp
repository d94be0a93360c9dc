#include "side.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
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

[[noreturn]] void give_up(const std::string& what) {
  std::perror(what.c_str());
  std::exit(2);
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
    const auto watch = [&](const std::string& what, const std::string& where) {
      watched_.push_back({what, directory, where, AT_SYMLINK_NOFOLLOW,
                          Times(directory, where, AT_SYMLINK_NOFOLLOW)});
    };
    watch(name, path);
    const auto slash = path.rfind('/');
    watch(name + "'s directory", slash == std::string::npos ? "." : path.substr(0, slash + 1));
  }

  int directory_ = AT_FDCWD;
  int slot_ = -1;
  std::vector<Watched> watched_;
};

std::string perform(Actor& actor, const Step& step) {
  if (!step.look) return step.operation->perform(actor, step);
  const Watch watch(actor, step);
  return step.operation->perform(actor, step) + watch.report();
}

bool write_all(int fd, const void* data, std::size_t size) {
  return ::write(fd, data, size) == static_cast<ssize_t>(size);
}

bool read_all(int fd, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::read(fd, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send(int fd, const std::string& message) {
  const std::size_t size = message.size();
  return write_all(fd, &size, sizeof size) && write_all(fd, message.data(), size);
}

bool receive(int fd, std::string& message) {
  std::size_t size = 0;
  if (!read_all(fd, &size, sizeof size)) return false;
  message.resize(size);
  return read_all(fd, message.data(), size);
}

}  // namespace

Side::Side(const std::string& base, const std::string& name, const Policy& policy)
    : path_(base + "/" + name), policy_(policy) {
  if (::mkdir(path_.c_str(), 0777) < 0) give_up(path_);
  const unsigned root = policy.in_container ? 100000 : 0;
  if (::chown(path_.c_str(), root, root) < 0 || ::chmod(path_.c_str(), 0777) < 0) give_up(path_);
  root_fd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_fd_ < 0) give_up(path_);
  for (int i = 0; i < kActors; ++i) start_worker(i);
}

void Side::start_worker(int number) {
  int commands[2];
  int answers[2];
  if (::pipe2(commands, O_CLOEXEC) < 0 || ::pipe2(answers, O_CLOEXEC) < 0) give_up("pipe");
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(commands[1]);
    ::close(answers[0]);
    work(number, commands[0], answers[1]);
  }
  ::close(commands[0]);
  ::close(answers[1]);
  workers_.push_back({pid, commands[1], answers[0]});
}

void Side::work(int number, int commands, int answers) {
  // The other actors' ends: a worker ends when nobody can tell it anything any more.
  for (const Worker& other : workers_) {
    ::close(other.commands);
    ::close(other.answers);
  }
  Actor actor = become(number, root_fd_, policy_);
  for (std::string message; receive(commands, message);) {
    if (!send(answers, perform(actor, unpacked(message)))) break;
  }
  _exit(0);
}

Side::~Side() {
  for (const Worker& worker : workers_) {
    ::close(worker.commands);
    ::close(worker.answers);
  }
  for (const Worker& worker : workers_) ::waitpid(worker.pid, nullptr, 0);
  ::close(root_fd_);
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) std::fprintf(stderr, "%s: %s\n", path_.c_str(), error.message().c_str());
}

void Side::start(const Step& step) {
  busy_ = &workers_[static_cast<std::size_t>(step.actor)];
  if (!send(busy_->commands, packed(step))) give_up("an actor has ended");
}

std::string Side::collect() {
  pollfd ready{busy_->answers, POLLIN, 0};
  if (::poll(&ready, 1, kTimeoutMs) != 1) return "hangs";
  std::string text;
  return receive(busy_->answers, text) ? text : "died";
}

std::vector<std::string> Side::tree() const {
  return tree_of(root_fd_);
}

}  // namespace differential
