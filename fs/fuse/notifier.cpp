#include "fuse/notifier.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "fuse/refresh.h"
#include "sys/begin_thread.h"
#include "sys/credentials.h"
#include "sys/fuse_notification.h"
#include "sys/process.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

// Between two looks at the watch: meanwhile the kernel merges what happens to one file, so that a
// file that is written all the time costs little. Well below what anybody is promised.
constexpr int kPaceMs = 2;
// How often what could not be told is tried again.
constexpr int kBehindMs = 20;
// Names that were looked up again while they changed are told once more, soon, and after that:
// longer than an answer that has been made takes to come to the kernel.
constexpr unsigned kSoonUs = 20'000;
constexpr unsigned kAgainUs = 400'000;
// The same after everything has been asked for again.
constexpr unsigned kRefreshAgainUs = 1'000'000;
// How often, kPaceMs apart, an inode is told of that the kernel does not know yet: for longer than
// an answer that has been made takes to come to the kernel.
constexpr int kMostAttempts = 200;

constexpr const char* kOverflow = "more changes by others than the kernel keeps";

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
      teller_(device_fd),
      busy_(mount, watch_fd, area_) {}

void Notifier::start() {
  // Nothing may be served that nobody keeps true: the next worker may have more luck.
  if (!sys::begin_thread(thread_, [this] { run(); })) std::abort();
}

void Notifier::run() {
  ::prctl(PR_SET_NAME, "cvfsd-notifier");
  sys::prepare_serving_thread();
  const sys::SignalStack signal_stack;
  finish_earlier();
  call_waiting();
  bool is_idle = rest();
  while (!has_ended_) {
    if (is_idle) wait();
    begin_work();
    while (read_events()) call_waiting();
    busy_.look([this](const sys::FileHandle& file) { add_file(file); });
    refresh_if_due();
    tell();
    tell_early_again();
    tell_names_again();
    note_what_waits();
    call_waiting();
    is_idle = rest();
    if (is_idle) pause();
  }
}

// ---- those who wait for what is told

void Notifier::after_told(std::function<void()> then) {
  {
    const MutexLock lock(mutex_);
    pollfd watch{watch_fd_, POLLIN, 0};
    const bool is_all_told = ::poll(&watch, 1, 0) == 0 && !is_working_;
    if (!is_all_told) {
      waiting_.push_back(std::move(then));
      has_waiting_.notify_one();
      return;
    }
  }
  then();
}

// What had happened when they came is told first, and not what happens meanwhile: there may always
// be more.
void Notifier::call_waiting() {
  std::vector<std::function<void()>> waiting;
  {
    const MutexLock lock(mutex_);
    waiting = std::exchange(waiting_, {});
  }
  if (waiting.empty()) return;
  const std::size_t queued = sys::queued_events(watch_fd_);
  const std::uint64_t begin = area_.events;
  while (area_.events - begin < queued && read_some() != 0) continue;
  for (const auto& then : waiting) then();
}

// Before anything is read: whoever finds nothing to be read sees that it is at hand.
void Notifier::begin_work() {
  const MutexLock lock(mutex_);
  is_working_ = true;
}

// False: somebody has come to wait.
bool Notifier::rest() {
  const MutexLock lock(mutex_);
  if (!waiting_.empty()) return false;
  is_working_ = false;
  return true;
}

// Meanwhile the kernel merges what others change. Whoever comes to wait ends it.
void Notifier::pause() {
  const MutexLock lock(mutex_);
  if (waiting_.empty()) has_waiting_.wait_for(mutex_, std::chrono::milliseconds(kPaceMs));
}

// ---- the events

// What an earlier process had read may have been told or not; twice does no harm.
void Notifier::finish_earlier() {
  (void)::mlock(&area_.buffer, sizeof area_.buffer);
  busy_.finish_earlier([this](const sys::FileHandle& file) { add_file(file); });
  if (area_.overflows != 0) doubt_names();
  carry_out(area_.buffer);
  // What it had not told yet stood in its own memory.
  if (area_.drop_all != 0) refresh("not all changes by others had been told");
  std::memset(area_.buffer, 0, sizeof area_.buffer);
}

void Notifier::wait() {
  const bool is_behind =
      teller_.is_behind() || !soon_.empty() || !later_.empty() || refresh_due_us_ != 0;
  const int timeout_ms = !early_.empty()           ? kPaceMs
                         : busy_.passes_over_any() ? BusyFiles::kTickMs
                         : is_behind               ? kBehindMs
                                                   : -1;
  pollfd awaited[] = {{watch_fd_, POLLIN, 0}, {device_fd_, 0, 0}};
  (void)::poll(awaited, std::size(awaited), timeout_ms);
  has_ended_ = (awaited[1].revents & (POLLERR | POLLNVAL)) != 0;
}

// True: there may be more than were read. What comes one by one is left to be merged.
bool Notifier::read_events() {
  return !has_ended_ && read_some() > sizeof area_.buffer / 2;
}

// Tells of them; returns how much it was.
std::size_t Notifier::read_some() {
  const ssize_t size = ::read(watch_fd_, area_.buffer, sizeof area_.buffer);
  if (size <= 0) return 0;
  const auto events = std::span(area_.buffer).first(static_cast<std::size_t>(size));
  carry_out(events);
  note_what_waits();
  // The first length before the rest: whoever comes to see zeros in the middle has all behind it
  // done.
  std::memset(events.data(), 0, sizeof(std::uint32_t));
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memset(events.data(), 0, events.size());
  return events.size();
}

void Notifier::carry_out(std::span<const std::byte> events) {
  std::uint64_t count = 0;
  sys::for_each_event(events, [&](const sys::FilesystemEvent& event) {
    ++count;
    add(event);
  });
  area_.events.fetch_add(count, std::memory_order_relaxed);
  if ((area_.drop_all & WatchArea::kOverflown) != 0 && refresh_due_us_ == 0) refresh(kOverflow);
  tell();
}

void Notifier::add(const sys::FilesystemEvent& event) {
  if (event.is_overflow()) {
    area_.drop_all |= WatchArea::kOverflown;
    refresh_due_us_ = 0;
    area_.overflows.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  // What we do ourselves is in our replies, but for the names of what is renamed.
  if (event.pid == own_pid_) {
    if (event.is_rename()) note_name(event);
    return;
  }
  // First: whoever looked at a file before this, and makes it known after we have not found it,
  // looks again.
  mount_.changes.fetch_add(1);
  const bool is_known = add_file(event.file);
  if (is_known && event.may_remove()) add_perhaps_gone(event.file);
  if (event.is_write()) busy_.note(event.file);
  if (event.changes_a_name()) add_names(event);
}

void Notifier::note_name(const sys::FilesystemEvent& event) {
  std::vector<NodeId> directories;
  mount_.inodes.for_each_of(event.directory,
                            [&](NodeId node, const InodeRecord&) { directories.push_back(node); });
  if (directories.size() != 1) return;
  // Under a lock, so that it is not forgotten meanwhile.
  mount_.inodes.for_each_of(event.file, [&](NodeId node, const InodeRecord&) {
    mount_.names.note(node, directories[0], event.name);
  });
}

bool Notifier::add_file(const sys::FileHandle& file) {
  bool is_known = false;
  mount_.inodes.for_each_of(file, [&](NodeId node, const InodeRecord&) {
    is_known = true;
    batch_.inodes.insert(node);
  });
  return is_known;
}

void Notifier::add_perhaps_gone(const sys::FileHandle& file) {
  mount_.inodes.for_each_of(file, [&](NodeId node, const InodeRecord& record) {
    batch_.perhaps_gone.emplace(node, record.id);
  });
}

void Notifier::add_names(const sys::FilesystemEvent& event) {
  std::set<NodeId> directories;
  mount_.inodes.for_each_of(event.directory,
                            [&](NodeId node, const InodeRecord&) { directories.insert(node); });
  for (const NodeId node : directories) {
    batch_.directories.insert(node);
    NameChange change = NameTeller::change_of(node, event.name);
    // Whoever looks a name up again that leads somewhere does so without its directory's lock, and
    // may bring what was true before. Where there was no name nobody does.
    if (!event.is_new_name()) {
      soon_.push_back({sys::monotonic_us() + kSoonUs, change});
    }
    batch_.names.push_back(std::move(change));
  }
}

// ---- telling the kernel

void Notifier::tell() {
  for (const NodeId node : batch_.directories) tell_inode(node, true, 0);
  for (const NodeId node : batch_.inodes) {
    if (!batch_.directories.contains(node)) tell_inode(node, false, 0);
  }
  batch_.directories.clear();
  batch_.inodes.clear();
  prune_what_is_gone();
  tell_names(std::exchange(batch_.names, {}));
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

void Notifier::tell_names(std::vector<NameChange> names) {
  count(names.size());
  area_.stalls.fetch_add(teller_.tell(std::move(names)), std::memory_order_relaxed);
}

void Notifier::tell_names_again() {
  std::vector<NameChange> due;
  const std::uint64_t now_us = sys::monotonic_us();
  while (!soon_.empty() && soon_.front().due_us <= now_us) {
    due.push_back(soon_.front().change);
    later_.push_back({now_us + kAgainUs, std::move(soon_.front().change)});
    soon_.pop_front();
  }
  while (!later_.empty() && later_.front().due_us <= now_us) {
    due.push_back(std::move(later_.front().change));
    later_.pop_front();
  }
  if (!due.empty()) tell_names(std::move(due));
}

// Of a file that another was renamed over nobody may ask any more: its blocks would stay.
void Notifier::prune_what_is_gone() {
  std::vector<NodeId> gone;
  for (const auto& [node, id] : std::exchange(batch_.perhaps_gone, {})) {
    const auto file = mount_.store->open_id(id);
    if (file) {
      const auto status = mount_.store->status(*file);
      if (!status || status->link_count != 0) continue;
    }
    gone.push_back(node);
  }
  if (gone.empty()) return;
  NameChange& change = batch_.names.emplace_back();
  change.message = sys::prune_message(gone);
}

// A successor does not know what waits in our own memory.
void Notifier::note_what_waits() {
  if (teller_.is_behind() || !early_.empty()) {
    area_.drop_all |= WatchArea::kNamesWait;
  } else {
    area_.drop_all &= ~WatchArea::kNamesWait;
  }
}

// ---- when nobody knows what has changed

void Notifier::doubt_names() {
  mount_.in_doubt_until_us = sys::monotonic_us() + kWatchedSeconds * std::uint64_t{1'000'000};
}

// Twice: an answer that was under way at the first time may have come after it.
void Notifier::refresh(const char* why) {
  spdlog::warn("{}: everything known is asked for again", why);
  batch_ = {};
  soon_.clear();
  later_.clear();
  doubt_names();
  carry_out_refresh();
  refresh_due_us_ = sys::monotonic_us() + kRefreshAgainUs;
}

void Notifier::refresh_if_due() {
  if (teller_.has_lost_some()) {
    area_.drop_all |= WatchArea::kOverflown;
    return refresh("too many names of a directory wait for a request");
  }
  if (refresh_due_us_ == 0 || sys::monotonic_us() < refresh_due_us_) return;
  carry_out_refresh();
  refresh_due_us_ = 0;
  area_.drop_all &= ~WatchArea::kOverflown;
}

void Notifier::carry_out_refresh() {
  const std::uint64_t began_us = sys::monotonic_us();
  const std::uint64_t known = mount_.inodes.live();
  mount_.changes.fetch_add(1);
  Refresh(mount_, {[this](NodeId node, bool listing) { tell_inode(node, listing, 0); },
                   [this](std::vector<NameChange> names) { tell_names(std::move(names)); }})
      .run();
  spdlog::info("{} inodes asked for again in {} ms; {} are in use", known,
               (sys::monotonic_us() - began_us) / 1000, mount_.inodes.live());
}

}  // namespace cvfs
