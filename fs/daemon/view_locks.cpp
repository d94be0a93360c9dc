#include "daemon/view_locks.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "daemon/lock_holder.h"
#include "locks/lock_section.h"
#include "sys/file.h"
#include "sys/system_locks.h"

namespace cvfs {

namespace {

using nlohmann::json;
using DeviceAndInode = std::pair<std::uint64_t, std::uint64_t>;

Result<std::string> path_of(int fd) {
  char path[4096];
  const ssize_t length = ::readlink(sys::ProcPath(fd).c_str(), path, sizeof path);
  if (length < 0) return last_error();
  return std::string(path, static_cast<std::size_t>(length));
}

json to_json(const LockRange& range, bool is_write, const char* kind) {
  json lock = {{"kind", kind}, {"type", is_write ? "write" : "read"}, {"first", range.first}};
  lock["last"] = range.last >= LockRange::kEnd ? json() : json(range.last);
  return lock;
}

const char* name_of(LockKind kind) {
  return kind == LockKind::kWhole ? "flock" : "fcntl";
}

// Looking the files of the host's locks up goes no further.
constexpr std::chrono::milliseconds kLookUp{50};

class Listing {
 public:
  explicit Listing(const ServedView& view)
      : section_(view.state->section(Section::kLocks)),
        root_(path_of(view.plan.source.directory.get()).value_or("?") + '/') {}

  // What there is no room for is not looked at.
  json all() {
    section_.for_each_owner([&](const LockOwnerRecord& owner) { add_held(owner); });
    if (!is_full()) add_hosts();
    section_.for_each_waiter([&](const LockWaiterRecord& waiter) { add_waiter(waiter); });
    return std::move(locks_);
  }

 private:
  bool is_full() const { return locks_.size() >= kMostLocks; }

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
    const auto file = files_.find(node);
    lock["file"] = file == files_.end() ? json() : json(file->second);
    locks_.push_back(std::move(lock));
  }

  void add_held(const LockOwnerRecord& owner) {
    if (is_full()) return;
    note_file(owner);
    for (const HeldRange& held : section_.ranges_of(owner, kMostLocks - locks_.size())) {
      json lock = to_json(held.range, held.type == LockType::kWrite, name_of(owner.kind));
      lock["state"] = "held";
      lock["seconds"] = std::time(nullptr) - held.since;
      lock["by"] = "view";
      holders_.add_to(lock, owner.pid);
      add(owner.node, std::move(lock));
    }
    if (owner.kind == LockKind::kWhole && owner.fd >= 0) note_flock(owner.fd);
  }

  // The kernel has it as the worker's that took it, also when that is dead.
  void note_flock(int fd) {
    for (const sys::SystemLock& lock : sys::locks_of_descriptor(fd)) {
      flocks_.insert({lock.pid, {lock.device, lock.inode}});
    }
  }

  void add_waiter(const LockWaiterRecord& waiter) {
    if (is_full()) return;
    json lock = to_json(waiter.range(), waiter.type == LockType::kWrite, name_of(waiter.kind));
    lock["state"] = "waits";
    constexpr std::int64_t kMicroseconds = 1'000'000;
    lock["seconds"] = std::time(nullptr) - waiter.since / kMicroseconds;
    lock["by"] = "view";
    holders_.add_to(lock, waiter.pid);
    add(waiter.node, std::move(lock));
  }

  // Locks of open file descriptions are ours, another view's, or of a program that nobody can name.
  void add_hosts() {
    look_up_until_ = std::chrono::steady_clock::now() + kLookUp;
    for (const sys::SystemLock& found : sys::system_locks(kMostSystemLocks)) {
      if (is_full()) return;
      const bool is_ours = flocks_.contains({found.pid, {found.device, found.inode}});
      if (!is_ours && !found.waits && found.pid > 0) add_host(found);
    }
  }

  // First of all whether it concerns us: there may be many processes of others that lock.
  void add_host(const sys::SystemLock& found) {
    const auto file = file_of(found);
    if (!file) return;
    json lock = to_json({found.first, found.last}, found.is_write,
                        found.kind == "FLOCK" ? "flock" : "fcntl");
    lock["state"] = "held";
    lock["by"] = "host";
    holders_.add_to(lock, found.pid);
    if (lock["command"].get<std::string>().starts_with("cvfsd")) return;
    lock["file"] = *file;
    locks_.push_back(std::move(lock));
  }

  // Of a file that nobody locks through the view only its holder can tell where it is.
  std::optional<std::string> file_of(const sys::SystemLock& found) {
    const DeviceAndInode id{found.device, found.inode};
    if (const auto file = by_id_.find(id); file != by_id_.end()) return file->second;
    const auto [hosts, is_new] = hosts_.try_emplace(found.pid);
    if (is_new && std::chrono::steady_clock::now() < look_up_until_) {
      hosts->second = sys::locked_files_of(found.pid, look_up_until_);
    }
    const auto file = hosts->second.find(id);
    if (file == hosts->second.end() || !file->second.starts_with(root_)) return std::nullopt;
    return file->second;
  }

  LockSection section_;
  std::string root_;                     // of what is served, with a slash
  std::map<NodeId, std::string> files_;  // by our number
  std::map<DeviceAndInode, std::string> by_id_;
  std::set<std::pair<pid_t, DeviceAndInode>> flocks_;  // ours
  std::map<pid_t, sys::LockedFiles> hosts_;
  std::chrono::steady_clock::time_point look_up_until_;
  LockHolders holders_;
  json locks_ = json::array();
};

}  // namespace

json locks_of(const ServedView& view) {
  return Listing(view).all();
}

}  // namespace cvfs
