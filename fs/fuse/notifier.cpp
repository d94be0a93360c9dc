#include "fuse/notifier.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/log.h"
#include "sys/credentials.h"
#include "sys/fuse_notification.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

// Between two looks at the watch: meanwhile the kernel merges what happens to one file, so that a
// file that is written all the time costs little. Well below what anybody is promised.
constexpr int kPaceMs = 2;
// How long names may wait for a request that has their directory locked, before all names of the
// view are dropped instead, for which nobody waits.
constexpr int kStallMs = 20;
// Longer than an answer that has been made takes to come to the kernel.
constexpr int kMostAttempts = 200;

bool has_gone(const Errno& error) {
  return error.value == ENODEV || error.value == ENOTCONN || error.value == ECONNABORTED;
}

}  // namespace

Notifier::Notifier(Mount& mount, int device_fd, int watch_fd)
    : mount_(mount),
      device_fd_(device_fd),
      watch_fd_(watch_fd),
      own_pid_(::getpid()),
      area_(WatchArea::in(mount.state->section(Section::kWatch))),
      busy_(mount, watch_fd, area_) {}

void Notifier::start() {
  thread_ = std::thread([this] { run(); });
}

void Notifier::run() {
  ::prctl(PR_SET_NAME, "cvfsd-notifier");
  sys::prepare_serving_thread();
  const sys::SignalStack signal_stack;
  finish_earlier();
  while (!has_ended_) {
    wait();
    while (read_events()) continue;
    busy_.look([this](const sys::FileHandle& file) { add_file(file); });
    tell();
    tell_early_again();
    ::poll(nullptr, 0, kPaceMs);
  }
}

// ---- the events

// What an earlier process had read may have been told or not; twice does no harm.
void Notifier::finish_earlier() {
  (void)::mlock(&area_.buffer, sizeof area_.buffer);
  busy_.finish_earlier([this](const sys::FileHandle& file) { add_file(file); });
  carry_out(area_.buffer);
  std::memset(area_.buffer, 0, sizeof area_.buffer);
}

void Notifier::wait() {
  const bool is_over = call_.await(0);
  const int timeout_ms = !early_.empty()           ? kPaceMs
                         : busy_.passes_over_any() ? BusyFiles::kTickMs
                         : is_over                 ? -1
                                                   : kStallMs;
  pollfd awaited[] = {{watch_fd_, POLLIN, 0}, {device_fd_, 0, 0}};
  (void)::poll(awaited, std::size(awaited), timeout_ms);
  has_ended_ = (awaited[1].revents & (POLLERR | POLLNVAL)) != 0;
}

// True: there may be more than were read.
bool Notifier::read_events() {
  if (has_ended_) return false;
  const ssize_t size = ::read(watch_fd_, area_.buffer, sizeof area_.buffer);
  if (size <= 0) return false;
  const auto events = std::span(area_.buffer).first(static_cast<std::size_t>(size));
  carry_out(events);
  // The first length before the rest: whoever comes to see zeros in the middle has all behind it
  // done.
  std::memset(events.data(), 0, sizeof(std::uint32_t));
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memset(events.data(), 0, events.size());
  // What comes one by one is left to be merged.
  return events.size() > sizeof area_.buffer / 2;
}

void Notifier::carry_out(std::span<const std::byte> events) {
  std::uint64_t count = 0;
  sys::for_each_event(events, [&](const sys::FilesystemEvent& event) {
    ++count;
    add(event);
  });
  area_.events.fetch_add(count, std::memory_order_relaxed);
  if (area_.drop_all != 0) drop_everything();
  tell();
}

void Notifier::add(const sys::FilesystemEvent& event) {
  if (event.is_overflow()) {
    area_.drop_all = 1;
    area_.overflows.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // What we do ourselves is in our replies.
  if (event.pid == own_pid_) return;
  // First: whoever looked at a file before this, and makes it known after we have not found it,
  // looks again.
  mount_.changes.fetch_add(1);
  const bool is_known = add_file(event.file);
  if (event.is_write()) busy_.note(event.file);
  if (event.changes_a_name()) add_name(event, is_known && event.is_new_directory());
}

bool Notifier::add_file(const sys::FileHandle& file) {
  bool is_known = false;
  mount_.inodes.for_each_of(file, [&](NodeId node, const InodeRecord&) {
    is_known = true;
    batch_.inodes.insert(node);
  });
  return is_known;
}

void Notifier::add_name(const sys::FilesystemEvent& event, bool is_known_new_directory) {
  mount_.inodes.for_each_of(event.directory, [&](NodeId node, const InodeRecord&) {
    batch_.directories.insert(node);
    // Who knows a new directory already has found it by this name, and may have mounted something
    // there: that would go with the name. Looked up again, it is found to be the same.
    batch_.names.push_back(sys::entry_message(
        node, event.name,
        is_known_new_directory ? sys::EntryChange::kExpire : sys::EntryChange::kDrop));
  });
}

// ---- telling the kernel

void Notifier::tell() {
  for (const NodeId node : batch_.directories) tell_inode(node, true, 0);
  for (const NodeId node : batch_.inodes) {
    if (!batch_.directories.contains(node)) tell_inode(node, false, 0);
  }
  batch_.directories.clear();
  batch_.inodes.clear();
  if (!batch_.names.empty()) tell_names();
}

void Notifier::tell_inode(NodeId node, bool listing, int attempts) {
  const auto told = sys::invalidate_inode(device_fd_, node, listing);
  count(1);
  if (told) return;
  if (has_gone(told.error())) {
    has_ended_ = true;
    return;
  }
  // Either the reply that introduces it is under way, and would bring old attributes, or the kernel
  // has forgotten it, and we hear of that soon.
  const bool is_live = mount_.inodes.find(node).has_value();
  if (is_live && attempts < kMostAttempts) early_.push_back({node, listing, attempts + 1});
}

void Notifier::tell_early_again() {
  for (const Early& early : std::exchange(early_, {})) {
    tell_inode(early.node, early.listing, early.attempts);
  }
}

void Notifier::count(std::uint64_t invalidations) {
  area_.invalidations.fetch_add(invalidations, std::memory_order_relaxed);
}

// The kernel waits until no request has the directory locked, and SIGKILL does not end that: a
// worker that is to be replaced would wait for a request that waits for the next worker. So it is
// another process that waits.
void Notifier::tell_names() {
  count(batch_.names.size());
  if (!call_.await(0)) return expire_names();
  told_names_ = std::exchange(batch_.names, {});
  telling_ = {device_fd_, &told_names_};
  const auto started = call_.start(
      [](void* argument) {
        const auto& telling = *static_cast<Telling*>(argument);
        for (const std::string& name : *telling.names) {
          // ENOENT: the kernel does not know that name.
          (void)!::write(telling.device_fd, name.data(), name.size());
        }
      },
      &telling_);
  if (!started || !call_.await(kStallMs)) expire_names();
}

void Notifier::expire_names() {
  batch_.names.clear();
  area_.stalls.fetch_add(1, std::memory_order_relaxed);
  (void)sys::expire_all_names(device_fd_);
}

// Nobody knows what has changed.
void Notifier::drop_everything() {
  spdlog::warn("more changes by others than the kernel keeps: everything known is asked for again");
  batch_ = {};
  mount_.changes.fetch_add(1);
  (void)sys::expire_all_names(device_fd_);
  mount_.inodes.for_each([&](NodeId node, InodeRecord&) { tell_inode(node, false, 0); });
  area_.drop_all = 0;
}

}  // namespace cvfs
