#include "daemon/worker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "base/log.h"
#include "daemon/circle_watch.h"
#include "daemon/confinement.h"
#include "daemon/fault_handler.h"
#include "daemon/live_settings.h"
#include "daemon/orphan.h"
#include "daemon/process_record.h"
#include "daemon/upgrade.h"
#include "fuse/cache_reset.h"
#include "fuse/notifier.h"
#include "fuse/session.h"
#include "store/local_store.h"
#include "sys/file.h"
#include "sys/file_lock.h"
#include "sys/mounts.h"
#include "sys/process.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

OperatorError cannot(const std::string& object, const std::string& what, Errno error) {
  return {ExitCode::kSystem, object, what + ": " + std::strerror(error.value), ""};
}

unsigned thread_count(const ViewOptions& options) {
  if (options.threads != 0) return options.threads;
  // Each has a megabyte to receive in that is always there, and one serves a program at a time as
  // well as many.
  return std::clamp(std::thread::hardware_concurrency(), 2U, 4U);
}

std::unique_ptr<Ownership> make_ownership(OwnerPolicy policy, Store& store,
                                          const Identity& identity) {
  if (policy == OwnerPolicy::kVirtual) return make_virtual_ownership(store, identity);
  if (policy == OwnerPolicy::kCaller) return make_caller_ownership(store, identity);
  return make_map_ownership(store, identity);
}

bool makes_devices(const ViewPlan& plan) {
  return (plan.options.mount_flags & MS_NODEV) == 0;
}

constexpr unsigned long kTimes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME | MS_NODIRATIME;

WorkerNeeds needs_of(const ViewPlan& plan) {
  return {makes_devices(plan), static_cast<bool>(plan.mount_namespace),
          (plan.options.mount_flags & kTimes) != 0};
}

// When access times move is a matter of the mount that is read through.
Result<UniqueFd> mount_with_times(int directory, unsigned long flags) {
  const UniqueFd copy = TRY(sys::copy_with_times(directory, flags));
  return sys::reopen(copy.get(), O_RDONLY | O_DIRECTORY);
}

// Everything that can fail before the state is touched: another build's state is not ours yet.
Outcome<MountParts> open_parts(const ServedView& view, bool adopt) {
  const ViewPlan& plan = view.plan;
  auto directory = sys::reopen(plan.source.directory.get(), O_RDONLY | O_DIRECTORY);
  if (!directory)
    return refuse(cannot(plan.source.name, "cannot open the tree", directory.error()));
  const StoreMap& stored = plan.identity->store();
  const StoredUid tenant_uid{*stored.uids.to_outside(0)};
  const StoredGid tenant_gid{*stored.gids.to_outside(0)};
  auto store = LocalStore::open(std::move(*directory), tenant_uid, tenant_gid);
  if (!store) return refuse(cannot(plan.source.name, "cannot open the tree", store.error()));
  if ((plan.options.mount_flags & kTimes) != 0) {
    auto mount = mount_with_times(plan.source.directory.get(), plan.options.mount_flags);
    if (mount) {
      (*store)->keep_times_by(std::move(*mount));
    } else {
      spdlog::warn("access times move as on the backing mount: {}", reason(mount.error()));
    }
  }
  MountParts parts;
  parts.state = view.state;
  parts.adopt = adopt;
  parts.store = std::move(*store);
  parts.identity = std::make_unique<Identity>(*plan.identity);
  parts.owners = make_ownership(plan.owner, *parts.store, *parts.identity);
  // What one caller is shown is not true for another.
  const bool is_callers = plan.owner == OwnerPolicy::kCaller;
  parts.ttl_seconds = is_callers ? 0 : plan.options.cache.ttl_seconds;
  parts.device_fd = view.device.get();
  parts.is_watched = static_cast<bool>(view.watch);
  // A view that an older build mounted has the kernel's own locks for as long as it lives.
  parts.shares_locks = view.handshake.locks() && plan.options.locks == LockOption::kShared;
  parts.makes_devices = makes_devices(plan);
  parts.passthrough = std::make_unique<Passthrough>(
      view.handshake.passthrough() ? view.device.get() : -1, tenant_uid);
  return parts;
}

// The tree with what is known of it. Takes the state for this build on the way.
Outcome<std::unique_ptr<Mount>> open_mount(const ServedView& view, bool adopt) {
  // Not TRY: clang-tidy 14 takes what it moves for lost.
  auto parts = open_parts(view, adopt);
  if (!parts) return refuse(std::move(parts.error()));
  if (!accept_state(view.memory(), view.generation)) {
    return refuse({ExitCode::kSystem, view.target(), "another build has the view", ""});
  }
  view.state->commit();
  auto mount = make_mount(std::move(*parts));
  if (!mount) return refuse(cannot(view.plan.source.name, "cannot open the tree", mount.error()));
  return std::move(*mount);
}

// Closes what the dead worker had open and no table knows of. `before`: what was open when we
// began.
void close_strays(Mount& mount, const ServedView& view, const std::vector<int>& others,
                  const std::vector<int>& before) {
  std::set<int> strays(before.begin(), before.end());
  const ViewState& memory = view.memory();
  for (const ProcessRecord* process : {&memory.supervisor, &memory.standby, &memory.worker}) {
    if (is_recorded(*process)) strays.erase(process->pidfd);
  }
  for (const int fd : lasting_descriptors(view)) strays.erase(fd);
  for (const int fd : others) strays.erase(fd);
  for (const int fd : descriptors_in_use(mount)) strays.erase(fd);
  for (const int fd : strays) {
    // In an upgrade the old build's standby has it, too: a lock would outlive our close(2).
    (void)sys::lock_whole(fd, sys::LockMode::kUnlock);
    (void)sys::lock_range(fd, sys::LockMode::kUnlock, 0, INT64_MAX);
    UniqueFd{fd};
  }
}

void note_pause(ViewState& memory) {
  const std::uint64_t died = memory.died_at_us.exchange(0);
  if (died == 0) return;
  const std::uint64_t pause = sys::monotonic_us() - died;
  memory.last_pause_us = pause;
  if (pause > memory.longest_pause_us) memory.longest_pause_us = pause;
  spdlog::warn("serving again after {} ms ({} requests sent again since the mount)",
               static_cast<double>(pause) / 1000.0, memory.resent.load());
}

enum class WorkerWake { kBell, kSupervisorDied };

WorkerWake await_bell(const ServedView& view) {
  // Asked again each time: a standby may have taken its place. Its number may be any other
  // descriptor's by now, for an instant: who is woken looks again.
  pollfd awaited[] = {{view.worker_bell.get(), POLLIN, 0},
                      {view.memory().supervisor.pidfd, POLLIN, 0}};
  while (::poll(awaited, std::size(awaited), -1) < 0) {
  }
  if (awaited[0].revents == 0) return WorkerWake::kSupervisorDied;
  eventfd_t rung = 0;
  (void)::eventfd_read(view.worker_bell.get(), &rung);
  return WorkerWake::kBell;
}

// The table is one for all processes of the view. Whatever containers have opened: the supervisor
// can start a worker and a standby and listen, and a worker can start.
void leave_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  sys::limit_descriptors(std::min(std::max<rlim_t>(limit.rlim_max / 32, 32), limit.rlim_max / 4));
}

// It has little to do, and that soon, however busy the machine is.
constexpr int kNotifiersPriority = -10;

void start(Notifier& notifier, Mount& mount) {
  mount.after_changes = [&notifier](std::function<void()> then) {
    notifier.after_told(std::move(then));
  };
  notifier.start();
  // Its thread has inherited ours.
  (void)::setpriority(PRIO_PROCESS, 0, 0);
}

constexpr int kDrainMs = kDrainUs / 1000;

void apply_settings(const ServedView& view, Mount& mount) {
  apply_log_level(view);
  mount.traces_requests = traces_requests(view);
  mount.set_ttl_seconds = set_ttl_of(view).value_or(-1);
}

// What the kernel was told may last longer than is wanted now.
void change_settings(const ServedView& view, Mount& mount, CacheReset& reset) {
  const double before = ttl_seconds(mount);
  apply_settings(view, mount);
  // What is watched is kept true whatever was said of it.
  if (!view.watch && ttl_seconds(mount) < before) reset.begin();
}

// Until the view is unmounted, or another process is to go on with it.
void serve(Session& session, const ServedView& view, Mount& mount, CacheReset& reset) {
  session.serve();
  while (!session.has_ended()) {
    if (await_bell(view) == WorkerWake::kBell) {
      change_settings(view, mount, reset);
      if (view.memory().draining != 0) session.drain(kDrainMs);
    } else if (!is_succeeded(view)) {
      session.drain(kDrainMs);
      become_supervisor(view);
    }
  }
  // Who asked for the end may have died over it.
  if (!has_ended(view) && !is_succeeded(view)) become_supervisor(view);
}

}  // namespace

OperatorError run_worker(const ServedView& view, const std::vector<int>& others,
                         const std::function<void()>& ready) {
  ViewState& memory = view.memory();
  install_fault_handlers(*view.state);
  const bool adopt = memory.serving != 0;
  const auto tell = [&] {
    ready();
    memory.told = 1;
  };
  // If the one that came to serve died over telling it. First of all: `ready` closes a descriptor
  // by its number.
  if (adopt && memory.told == 0) tell();
  // Unknown, nothing is swept: a stray costs less than a descriptor that somebody needs.
  const auto before = sys::open_descriptors().value_or(std::vector<int>());
  auto mount = open_mount(view, adopt);
  if (!mount) return mount.error();
  auto session = Session::adopt(view.device.get(), view.handshake, **mount,
                                {thread_count(view.plan.options), view.worker_bell.get()});
  if (!session) return cannot(view.target(), "cannot start libfuse", session.error());
  std::optional<CircleWatch> circles;
  if ((*mount)->locks) circles.emplace(view, *(*mount)->locks);
  if (view.watch) (void)::setpriority(PRIO_PROCESS, 0, kNotifiersPriority);
  // The first request comes after this.
  if (!view.is_confined) confine_worker(needs_of(view.plan));
  std::optional<Notifier> notifier;
  if (view.watch) {
    start(notifier.emplace(**mount, view.device.get(), view.watch.get()), **mount);
  }
  if (adopt) close_strays(**mount, view, others, before);
  leave_descriptors();
  CacheReset reset(**mount);
  apply_settings(view, **mount);
  if (adopt) (*session)->resume();
  memory.serving = 1;
  if (!adopt) tell();
  note_pause(memory);
  memory.worker_is_ready = 1;
  serve(**session, view, **mount, reset);
  memory.known_inodes = (*mount)->inodes.live();
  memory.open_files = (*mount)->handles.open();
  // Nothing is destroyed: the supervisor shares our descriptors and still needs them.
  ::_exit(0);
}

}  // namespace cvfs
