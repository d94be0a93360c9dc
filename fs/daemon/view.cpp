#include "daemon/view.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/log.h"
#include "daemon/mount_namespace.h"
#include "fuse/handshake.h"
#include "fuse/session.h"
#include "store/local_store.h"
#include "sys/fuse_device.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

std::string text_of(Errno error) {
  return std::strerror(error.value);
}

tl::unexpected<OperatorError> refuse_system(const std::string& object, const std::string& what,
                                            Errno error, std::string hint = {}) {
  return refuse({ExitCode::kSystem, object, what + ": " + text_of(error), std::move(hint)});
}

Outcome<void> unmount(const ViewPlan& plan, int flags) {
  return in_mount_namespace(plan.mount_namespace.get(), [&]() -> Outcome<void> {
    if (::umount2(plan.target.c_str(), flags) == 0) return {};
    return refuse_system(plan.target, "cannot be unmounted", Errno{errno});
  });
}

// A mount that goes again unless the view has come to serve.
class MountGuard {
 public:
  explicit MountGuard(const ViewPlan& plan) : plan_(&plan) {}
  ~MountGuard() {
    if (plan_ != nullptr) (void)unmount(*plan_, MNT_DETACH);
  }
  MountGuard(const MountGuard&) = delete;
  MountGuard& operator=(const MountGuard&) = delete;
  void keep() { plan_ = nullptr; }

 private:
  const ViewPlan* plan_;
};

// Waits for the signals that end a view. They are blocked before any thread starts, and only this
// thread takes them.
class SignalThread {
 public:
  explicit SignalThread(const ViewPlan& plan) : plan_(plan) {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, kStop}) ::sigaddset(&signals_, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::jthread([this] { run(); });
  }
  ~SignalThread() { ::pthread_kill(thread_.native_handle(), kStop); }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  static constexpr int kStop = SIGUSR1;

  void run() {
    for (int signal = 0; ::sigwait(&signals_, &signal) == 0 && signal != kStop;) {
      if (signal == SIGHUP) continue;            // nothing to read again
      const auto unmounted = unmount(plan_, 0);  // the session sees it and ends
      if (!unmounted) spdlog::warn("asked to end: {}", unmounted.error().message());
    }
  }

  const ViewPlan& plan_;
  sigset_t signals_{};
  std::jthread thread_;
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

unsigned thread_count(const ViewOptions& options) {
  if (options.threads != 0) return options.threads;
  return std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
}

std::unique_ptr<Ownership> make_ownership(OwnerPolicy policy, Store& store,
                                          const Identity& identity) {
  return policy == OwnerPolicy::kVirtual ? make_virtual_ownership(store, identity)
                                         : make_map_ownership(store, identity);
}

Outcome<UniqueFd> open_device() {
  auto device = sys::open_fuse_device();
  if (!device) {
    return refuse_system("/dev/fuse", "cannot open it", device.error(), "modprobe fuse");
  }
  return std::move(*device);
}

Outcome<void> mount_device(const ViewPlan& plan, int device_fd) {
  return in_mount_namespace(plan.mount_namespace.get(), [&]() -> Outcome<void> {
    const auto mounted =
        sys::mount_fuse(device_fd, plan.source.name, plan.target, plan.options.mount_flags);
    if (mounted) return {};
    return refuse_system(plan.target, "mount(2)", mounted.error(),
                         mounted.error().value == EPERM ? "run it with CAP_SYS_ADMIN" : "");
  });
}

Outcome<std::unique_ptr<Mount>> build_mount(ViewPlan& plan, int device_fd, bool passthrough) {
  MountParts parts;
  parts.identity = std::move(plan.identity);
  const StoreMap& stored = parts.identity->store();
  const StoredUid tenant_uid{*stored.uids.to_outside(0)};
  const StoredGid tenant_gid{*stored.gids.to_outside(0)};
  auto store = LocalStore::open(std::move(plan.source.directory), tenant_uid, tenant_gid);
  if (!store) return refuse_system(plan.source.name, "cannot open the tree", store.error());
  parts.store = std::move(*store);
  parts.owners = make_ownership(plan.owner, *parts.store, *parts.identity);
  parts.ttl_seconds = plan.options.cache.ttl_seconds;
  parts.passthrough =
      std::make_unique<Passthrough>(passthrough ? device_fd : -1, tenant_uid, tenant_gid);
  auto mount = make_mount(std::move(parts));
  if (!mount) return refuse_system(plan.source.name, "cannot open the tree", mount.error());
  return std::move(*mount);
}

void log_start(const ViewPlan& plan, const Mount& mount, const Handshake& handshake) {
  const UserNamespaceMap& userns = mount.identity->userns();
  spdlog::info(
      "serves {} on {}: userns={} (uids {}, gids {}), owner={} (uids {}, gids {}), "
      "FUSE 7.{}, passthrough {}",
      plan.source.name, plan.target, userns.origin, userns.uids.text(), userns.gids.text(),
      plan.owner == OwnerPolicy::kVirtual ? "virtual" : "map", mount.identity->store().uids.text(),
      mount.identity->store().gids.text(), handshake.minor, handshake.passthrough() ? "on" : "off");
}

}  // namespace

Outcome<void> serve_view(ViewPlan plan, const std::function<void()>& ready) {
  raise_descriptor_limit();
  UniqueFd device = TRY(open_device());
  TRY(mount_device(plan, device.get()));
  MountGuard guard(plan);

  HandshakeSettings settings;
  settings.passthrough = plan.options.passthrough == PassthroughMode::kAuto;
  settings.stack_depth = plan.stack_depth;
  auto handshake = answer_init(device.get(), settings);
  if (!handshake) {
    return refuse_system(plan.target, "the kernel's FUSE does not answer as expected",
                         handshake.error(), "cvfs needs Linux 5.2 or later");
  }
  const std::unique_ptr<Mount> mount =
      TRY(build_mount(plan, device.get(), handshake->passthrough()));
  log_start(plan, *mount, *handshake);
  auto session = Session::adopt(std::move(device), std::move(*handshake), *mount);
  if (!session) return refuse_system(plan.target, "cannot start libfuse", session.error());

  const SignalThread signals(plan);
  ready();
  guard.keep();
  const auto served = (*session)->serve(thread_count(plan.options));
  spdlog::info("{} is unmounted", plan.target);
  if (!served) return refuse_system(plan.target, "serving ended", served.error());
  return {};
}

}  // namespace cvfs
