#include "control/control_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/result.h"
#include "control/socket_address.h"
#include "sys/process.h"

namespace cvfs {
namespace {

constexpr int kBacklog = 16;
// Of one serve(): a flood does not keep the loop from its other work.
constexpr int kMaxAccepted = 32;
// How long who has connected may take to ask before another may have the place.
constexpr std::uint64_t kAskUs = 100'000;
constexpr std::uint64_t kAcceptPauseUs = 500'000;

tl::unexpected<OperatorError> refuse_system(const std::string& path, std::string what,
                                            std::string hint = {}) {
  return refuse(OperatorError{ExitCode::kSystem, path, std::move(what), std::move(hint)});
}

tl::unexpected<OperatorError> refuse_call(const std::string& path, const char* call) {
  return refuse_system(path, std::string(call) + ": " + std::strerror(errno));
}

// Ours alone to write to, or somebody puts a socket of his own there.
Outcome<void> prepare_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) return refuse_call(path, "mkdir");
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) return refuse_call(path, "stat");
  if (!S_ISDIR(status.st_mode)) return refuse_system(path, "is not a directory", "rm " + path);
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refuse_system(path, "others may write to it",
                         "chown root: " + path + "; chmod 0700 " + path);
  }
  return {};
}

// The number is this view's alone: whoever listened there is gone, or will be at once.
Outcome<void> remove_stale(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT) return {};
    return refuse_call(path, "stat");
  }
  if (!S_ISSOCK(status.st_mode)) return refuse_system(path, "is not a socket", "rm " + path);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return refuse_call(path, "unlink");
  return {};
}

Outcome<UniqueFd> listen_at(const std::string& path) {
  const auto address = SocketAddress::of(path);
  if (!address) return refuse_system(path, "is too long for a socket");
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return refuse_call(path, "socket");
  // Before bind(2), which gives the file the socket's mode: there is no instant of another one.
  if (::fchmod(fd.get(), 0600) < 0) return refuse_call(path, "chmod");
  if (::bind(fd.get(), address->get(), address->size()) < 0) return refuse_call(path, "bind");
  if (::listen(fd.get(), kBacklog) < 0) return refuse_call(path, "listen");
  return fd;
}

std::optional<std::pair<dev_t, ino_t>> file_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) return {};
  return std::pair(status.st_dev, status.st_ino);
}

bool is_root(int client_fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

}  // namespace

Outcome<ControlServer> ControlServer::listen(const std::string& path) {
  TRY(prepare_directory(std::filesystem::path(path).parent_path()));
  TRY(remove_stale(path));
  return ControlServer(TRY(listen_at(path)), path);
}

ControlServer ControlServer::adopt(int listening_fd, std::string path) {
  return ControlServer(UniqueFd(listening_fd), std::move(path));
}

ControlServer::ControlServer(UniqueFd listening, std::string path)
    : listening_(std::move(listening)),
      cookie_(socket_cookie(listening_.get())),
      path_(std::move(path)),
      file_(file_at(path_)) {}

ControlServer::~ControlServer() {
  stop_listening();
}

bool ControlServer::is_listening() const {
  return listening_ && cookie_ && socket_cookie(listening_.get()) == cookie_;
}

void ControlServer::stop_listening() {
  if (is_listening()) {
    listening_.reset();
  } else {
    (void)listening_.release();  // another file's by now
  }
}

std::vector<int> ControlServer::descriptors() const {
  std::vector<int> all;
  if (listening_) all.push_back(listening_.get());
  for (const ControlConnection& client : clients_) all.push_back(client.fd());
  return all;
}

void ControlServer::add_to(std::vector<pollfd>& polled) const {
  const std::uint64_t now = sys::monotonic_us();
  const bool accepts = listening_ && now >= accept_after_us_ && now >= room_from_us();
  if (accepts) polled.push_back({listening_.get(), POLLIN, 0});
  for (const ControlConnection& client : clients_) {
    polled.push_back({client.fd(), client.awaited_events(), 0});
  }
}

int ControlServer::timeout_ms() const {
  std::uint64_t first = UINT64_MAX;
  for (const ControlConnection& client : clients_) first = std::min(first, client.deadline_us());
  const std::uint64_t accepts_from = std::max(accept_after_us_, room_from_us());
  if (accepts_from > sys::monotonic_us()) first = std::min(first, accepts_from);
  return first == UINT64_MAX ? -1 : sys::ms_until(first);
}

void ControlServer::serve(std::span<const pollfd> polled, const Handler& handler) {
  // What happened is not looked at: each is tried without waiting, and says what is wrong with it.
  bool somebody_comes = false;
  for (const pollfd& ready : polled) {
    if (ready.revents == 0) continue;
    if (ready.fd == listening_.get()) {
      somebody_comes = true;
    } else {
      advance(ready.fd, handler);
    }
  }
  if (somebody_comes) accept_clients(handler);
  const std::uint64_t now = sys::monotonic_us();
  std::erase_if(clients_, [now](const auto& client) { return client.deadline_us() <= now; });
}

void ControlServer::advance(int fd, const Handler& handler) {
  const auto client = std::ranges::find(clients_, fd, &ControlConnection::fd);
  if (client == clients_.end()) return;
  // It stays in the list meanwhile: a handler that starts a process needs to name all descriptors.
  if (!client->advance(handler)) clients_.erase(client);
}

// From when on there is room for one more client.
std::uint64_t ControlServer::room_from_us() const {
  return clients_.size() < kMaxClients ? 0 : clients_.front().begun_us() + kAskUs;
}

void ControlServer::accept_clients(const Handler& handler) {
  if (!is_listening()) {
    stop_listening();  // poll(2) would not wait any more
    return;
  }
  for (int accepted = 0; accepted < kMaxAccepted; ++accepted) {
    if (sys::monotonic_us() < room_from_us()) return;
    UniqueFd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      welcome(std::move(client), handler);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_after_us_ = sys::monotonic_us() + kAcceptPauseUs;
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void ControlServer::welcome(UniqueFd fd, const Handler& handler) {
  if (!is_root(fd.get())) return;
  auto client = ControlConnection::begin(std::move(fd));
  if (!client) return;
  if (clients_.size() == kMaxClients) clients_.erase(clients_.begin());
  clients_.push_back(std::move(*client));
  // Its command is mostly there already.
  if (!clients_.back().advance(handler)) clients_.pop_back();
}

void ControlServer::remove() {
  stop_listening();
  // The next view may have the same number, and its socket here already: renaming first leaves no
  // instant in which that one could be unlinked.
  const std::string aside = path_ + ".gone";
  if (!file_ || ::rename(path_.c_str(), aside.c_str()) < 0) return;
  if (file_at(aside) == file_) {
    ::unlink(aside.c_str());
  } else {
    ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
  }
  file_.reset();
}

}  // namespace cvfs
