#include "daemon/view_locks.h"

#include <unistd.h>

#include <cctype>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "locks/lock_section.h"
#include "sys/file.h"
#include "sys/system_locks.h"

namespace cvfs {

namespace {

using nlohmann::json;
using DeviceAndInode = std::pair<std::uint64_t, std::uint64_t>;

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Result<std::string> path_of(int fd) {
  char path[4096];
  const ssize_t length = ::readlink(sys::ProcPath(fd).c_str(), path, sizeof path);
  if (length < 0) return last_error();
  return std::string(path, static_cast<std::size_t>(length));
}

// As the process itself sees its number: the last of "NSpid:\t4711\t12".
int own_number_of(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("NSpid:")) {
  }
  std::istringstream words(line.substr(std::min(line.size(), sizeof "NSpid:" - 1)));
  int number = 0;
  while (words >> number) {
  }
  return number;
}

std::string cgroup_of(int pid) {
  const std::string line = first_line_of("/proc/" + std::to_string(pid) + "/cgroup");
  const std::size_t path = line.find('/');
  return path == std::string::npos ? "" : line.substr(path);
}

// An engine's number of it: the last 64 hexadecimal digits of
// "/system.slice/docker-0123abcd….scope",
// "/docker/0123abcd…", "/machine.slice/libpod-0123abcd….scope"; "": none.
std::string container_of(const std::string& cgroup) {
  constexpr std::size_t kDigits = 64;
  std::size_t run = 0;
  for (std::size_t at = cgroup.size(); at-- > 0;) {
    const bool is_digit = std::isxdigit(static_cast<unsigned char>(cgroup[at])) != 0;
    run = is_digit ? run + 1 : 0;
    if (run == kDigits) return cgroup.substr(at, kDigits);
  }
  return "";
}

void add_process(json& lock, int pid) {
  lock["pid"] = pid;
  if (pid <= 0) return;
  lock["container_pid"] = own_number_of(pid);
  lock["command"] = first_line_of("/proc/" + std::to_string(pid) + "/comm");
  const std::string cgroup = cgroup_of(pid);
  lock["cgroup"] = cgroup;
  lock["container"] = container_of(cgroup);
}

json to_json(const LockRange& range, bool is_write, const char* kind) {
  json lock = {{"kind", kind}, {"type", is_write ? "write" : "read"}, {"first", range.first}};
  lock["last"] = range.last >= LockRange::kEnd ? json() : json(range.last);
  return lock;
}

const char* name_of(LockKind kind) {
  return kind == LockKind::kWhole ? "flock" : "fcntl";
}

class Listing {
 public:
  explicit Listing(const ServedView& view) : section_(view.state->section(Section::kLocks)) {}

  json all() {
    section_.for_each_owner([&](const LockOwnerRecord& owner) { note_file(owner); });
    section_.for_each_owner([&](const LockOwnerRecord& owner) { add_held(owner); });
    for (const sys::SystemLock& lock : sys::system_locks()) add_hosts(lock);
    section_.for_each_waiter([&](const LockWaiterRecord& waiter) { add_waiter(waiter); });
    return std::move(locks_);
  }

 private:
  // We share the descriptors that the worker locks by.
  void note_file(const LockOwnerRecord& owner) {
    if (owner.fd < 0 || files_.contains(owner.node)) return;
    const auto path = path_of(owner.fd);
    const auto status = sys::status_of(owner.fd);
    if (!path || !status) return;
    files_[owner.node] = *path;
    by_id_[{status->device, status->inode}] = *path;
  }

  void add(NodeId node, json lock) {
    if (locks_.size() >= kMostLocks) return;
    const auto file = files_.find(node);
    lock["file"] = file == files_.end() ? json() : json(file->second);
    locks_.push_back(std::move(lock));
  }

  void add_held(const LockOwnerRecord& owner) {
    for (const HeldRange& held : section_.ranges_of(owner)) {
      json lock = to_json(held.range, held.type == LockType::kWrite, name_of(owner.kind));
      lock["state"] = "held";
      lock["seconds"] = std::time(nullptr) - held.since;
      lock["by"] = "view";
      add_process(lock, owner.pid);
      add(owner.node, std::move(lock));
    }
  }

  void add_waiter(const LockWaiterRecord& waiter) {
    json lock = to_json(waiter.range(), waiter.type == LockType::kWrite, name_of(waiter.kind));
    lock["state"] = "waits";
    constexpr std::int64_t kMicroseconds = 1'000'000;
    lock["seconds"] = std::time(nullptr) - waiter.since / kMicroseconds;
    lock["by"] = "view";
    add_process(lock, waiter.pid);
    add(waiter.node, std::move(lock));
  }

  // Locks of open file descriptions are ours, another view's, or of a program that nobody can name.
  void add_hosts(const sys::SystemLock& found) {
    const auto file = by_id_.find({found.device, found.inode});
    const bool is_ours = found.pid == ::getpid() || found.pid == -1;
    if (file == by_id_.end() || is_ours || found.waits || locks_.size() >= kMostLocks) return;
    json lock = to_json({found.first, found.last}, found.is_write,
                        found.kind == "FLOCK" ? "flock" : "fcntl");
    lock["state"] = "held";
    lock["by"] = "host";
    lock["file"] = file->second;
    add_process(lock, found.pid);
    if (!lock["command"].get<std::string>().starts_with("cvfsd")) locks_.push_back(std::move(lock));
  }

  LockSection section_;
  std::map<NodeId, std::string> files_;  // by our number
  std::map<DeviceAndInode, std::string> by_id_;
  json locks_ = json::array();
};

}  // namespace

json locks_of(const ServedView& view) {
  return Listing(view).all();
}

}  // namespace cvfs
