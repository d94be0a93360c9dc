#include "fuse/name_teller.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "sys/fuse_notification.h"

namespace cvfs {

NameTeller::NameTeller(int device_fd) {
  for (Call& call : calls_) call.device_fd = device_fd;
}

NameChange NameTeller::change_of(NodeId directory, std::string_view name) {
  return {directory, sys::expire_message(directory, name)};
}

// ---- in the process that may have to wait: no allocation, no lock

void NameTeller::work(void* argument) {
  Call& call = *static_cast<Call*>(argument);
  const std::size_t count = call.changes.size();
  for (std::size_t at; (at = call.next.fetch_add(1)) < count;) {
    const std::string& message = call.changes[at].message;
    // -1: the kernel does not know that name.
    (void)!::write(call.device_fd, message.data(), message.size());
  }
}

// ---- in the notifier's thread

void NameTeller::collect() {
  for (Call& call : calls_) {
    if (!call.is_stuck || !call.process.await(0)) continue;
    call.is_stuck = false;
    call.changes.clear();
  }
}

NameTeller::Call* NameTeller::free_call() {
  const auto found = std::ranges::find_if(calls_, [](const Call& call) { return !call.is_stuck; });
  return found == calls_.end() ? nullptr : &*found;
}

// All but those of directories for which somebody waits already.
std::vector<NameChange> NameTeller::take_tellable() {
  std::set<NodeId> stuck;
  for (const Call& call : calls_) {
    if (call.is_stuck) stuck.insert(call.stuck_on);
  }
  const auto tellable =
      std::stable_partition(waiting_.begin(), waiting_.end(),
                            [&](const NameChange& it) { return stuck.contains(it.directory); });
  std::vector<NameChange> taken(std::make_move_iterator(tellable),
                                std::make_move_iterator(waiting_.end()));
  waiting_.erase(tellable, waiting_.end());
  return taken;
}

// False: one of them waits, which goes on by itself; those behind it wait here.
bool NameTeller::carry_out(Call& call, std::vector<NameChange> changes) {
  call.changes = std::move(changes);
  call.next = 0;
  // No memory for a process: as if they could not be told yet.
  if (!call.process.start(work, &call)) {
    std::ranges::move(call.changes, std::back_inserter(waiting_));
    call.changes.clear();
    return false;
  }
  // As long as it comes on; that it has not begun yet is no request's doing.
  std::size_t before;
  do {
    before = call.next;
    if (!call.process.await(kStallMs)) continue;
    call.changes.clear();
    return true;
  } while (call.next != before || call.next == 0);
  leave_behind(call);
  return false;
}

void NameTeller::leave_behind(Call& call) {
  const std::size_t count = call.changes.size();
  const std::size_t next = std::min(call.next.exchange(count), count);
  call.is_stuck = true;
  call.stuck_on = call.changes[next - 1].directory;
  const auto rest = call.changes.begin() + static_cast<std::ptrdiff_t>(next);
  // It looks at none of these any more; the vector stays as long as it is.
  std::move(rest, call.changes.end(), std::back_inserter(waiting_));
}

unsigned NameTeller::tell(std::vector<NameChange> changes) {
  std::ranges::move(changes, std::back_inserter(waiting_));
  collect();
  unsigned stalls = 0;
  while (!waiting_.empty()) {
    Call* call = free_call();
    if (call == nullptr) break;
    std::vector<NameChange> tellable = take_tellable();
    if (tellable.empty()) break;
    if (carry_out(*call, std::move(tellable))) continue;
    if (!call->is_stuck) break;
    ++stalls;
  }
  if (waiting_.size() > kMostWaiting) {
    waiting_ = {};
    has_lost_some_ = true;
  }
  return stalls;
}

bool NameTeller::is_behind() {
  collect();
  return has_lost_some_ || !waiting_.empty() ||
         std::ranges::any_of(calls_, [](const Call& call) { return call.is_stuck; });
}

// Not before what keeps them waiting is over: it would be the same again.
bool NameTeller::has_lost_some() {
  collect();
  const bool is_stuck = std::ranges::any_of(calls_, [](const Call& call) { return call.is_stuck; });
  return !is_stuck && std::exchange(has_lost_some_, false);
}

}  // namespace cvfs
