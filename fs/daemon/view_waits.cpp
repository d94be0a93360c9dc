#include "daemon/view_waits.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "locks/lock_section.h"
#include "sys/file.h"
#include "sys/lock_calls.h"
#include "sys/system_locks.h"

namespace cvfs {

namespace {

using nlohmann::json;

class Collector {
 public:
  explicit Collector(const ServedView& view)
      : name_(view.control_path + '/'), section_(view.state->section(Section::kLocks)) {}

  WaitGraph collect() {
    section_.for_each_waiter([&](const LockWaiterRecord& waiter) { note_wait(waiter); });
    if (waits_.empty()) return {};
    section_.for_each_owner([&](const LockOwnerRecord& owner) { note_file(owner); });
    for (const LockWaiterRecord* waiter : waits_) add_wait(*waiter);
    section_.for_each_owner([&](const LockOwnerRecord& owner) { add_holds(owner); });
    return std::move(graph_);
  }

 private:
  struct File {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };

  // All processes of the view share the descriptors that the worker locks by.
  void note_file(const LockOwnerRecord& owner) {
    const bool is_meant = awaited_.contains(owner.node) || is_process_that_waits(owner);
    if (!is_meant || owner.fd < 0 || files_.contains(owner.node)) return;
    if (const auto status = sys::status_of(owner.fd)) {
      files_[owner.node] = {status->device, status->inode};
    }
  }

  std::optional<GraphLock> lock_of(NodeId node, std::uint64_t id, LockRange range, LockType type) {
    const auto file = files_.find(node);
    if (file == files_.end()) return std::nullopt;
    return GraphLock{name_ + std::to_string(id), file->second.device, file->second.inode, range,
                     type};
  }

  // Locks of open file descriptions have no deadlocks, by fcntl(2): an owner who waits for a POSIX
  // lock is a process, and so is all that he holds by the same number.
  void note_wait(const LockWaiterRecord& waiter) {
    if (waiter.kind != LockKind::kRange || waiter.tid == 0 || asked_ == kMostWaits) return;
    ++asked_;
    if (sys::lock_call_of(waiter.tid) != sys::LockCall::kPosixWait) return;
    waits_.push_back(&waiter);
    awaited_.insert(waiter.node);
    waiting_.insert(waiter.id);
  }

  bool is_process_that_waits(const LockOwnerRecord& owner) const {
    return owner.kind == LockKind::kRange && waiting_.contains(owner.id);
  }

  void add_wait(const LockWaiterRecord& waiter) {
    if (const auto wish = lock_of(waiter.node, waiter.id, waiter.range(), waiter.type)) {
      graph_.waits.push_back({*wish, waiter.unique, waiter.since});
    }
  }

  void add_holds(const LockOwnerRecord& owner) {
    if (!is_process_that_waits(owner)) return;
    for (const HeldRange& held : section_.ranges_of(owner, kMostHolds - graph_.holds.size())) {
      if (auto lock = lock_of(owner.node, owner.id, held.range, held.type)) {
        graph_.holds.push_back(std::move(*lock));
      }
    }
  }

  std::string name_;
  LockSection section_;
  std::size_t asked_ = 0;  // for each /proc is read
  std::vector<const LockWaiterRecord*> waits_;
  std::set<NodeId> awaited_;
  std::set<std::uint64_t> waiting_;  // owners
  std::map<NodeId, File> files_;
  WaitGraph graph_;
};

json to_json(const GraphLock& lock) {
  return {lock.owner,       lock.device,     lock.inode,
          lock.range.first, lock.range.last, lock.type == LockType::kWrite};
}

// Not trusted: any part may be missing or something else. Throws then.
GraphLock lock_from(const json& json) {
  GraphLock lock;
  lock.owner = json.at(0).get<std::string>();
  lock.device = json.at(1).get<std::uint64_t>();
  lock.inode = json.at(2).get<std::uint64_t>();
  lock.range = {json.at(3).get<std::uint64_t>(), json.at(4).get<std::uint64_t>()};
  lock.type = json.at(5).get<bool>() ? LockType::kWrite : LockType::kRead;
  return lock;
}

}  // namespace

WaitGraph waits_of(const ServedView& view) {
  return Collector(view).collect();
}

WaitGraph waits_of_host() {
  WaitGraph graph;
  for (const sys::SystemLock& found : sys::system_locks()) {
    if (found.kind != "POSIX") continue;
    const GraphLock lock{"host/" + std::to_string(found.pid),
                         found.device,
                         found.inode,
                         {found.first, found.last},
                         found.is_write ? LockType::kWrite : LockType::kRead};
    if (found.waits) {
      graph.waits.push_back({lock, 0, 0, found.pid});
    } else {
      graph.holds.push_back(lock);
    }
  }
  return graph;
}

json to_json(const WaitGraph& graph) {
  json holds = json::array();
  for (const GraphLock& held : graph.holds) holds.push_back(to_json(held));
  json waits = json::array();
  for (const GraphWait& wait : graph.waits) {
    waits.push_back({to_json(wait.wish), wait.request, wait.since});
  }
  return {{"holds", std::move(holds)}, {"waits", std::move(waits)}};
}

WaitGraph wait_graph_from(const json& json) try {
  WaitGraph graph;
  for (const auto& held : json.at("holds")) graph.holds.push_back(lock_from(held));
  for (const auto& wait : json.at("waits")) {
    graph.waits.push_back(
        {lock_from(wait.at(0)), wait.at(1).get<std::uint64_t>(), wait.at(2).get<std::int64_t>()});
  }
  return graph;
} catch (const nlohmann::json::exception&) {
  return {};
}

}  // namespace cvfs
