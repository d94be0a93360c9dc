#include "daemon/view.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include <cstring>

#include "base/log.h"
#include "daemon/mount_namespace.h"
#include "daemon/supervisor.h"
#include "sys/fuse_device.h"
#include "sys/process.h"
#include "vfs/view_state.h"

namespace cvfs {

namespace {

tl::unexpected<OperatorError> refuse_system(const std::string& object, const std::string& what,
                                            Errno error, std::string hint = {}) {
  return refuse(
      {ExitCode::kSystem, object, what + ": " + std::strerror(error.value), std::move(hint)});
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Outcome<UniqueFd> open_and_mount(const ViewPlan& plan) {
  auto device = sys::open_fuse_device();
  if (!device) {
    return refuse_system("/dev/fuse", "cannot open it", device.error(), "modprobe fuse");
  }
  TRY(in_mount_namespace(plan.mount_namespace.get(), [&]() -> Outcome<void> {
    const auto mounted =
        sys::mount_fuse(device->get(), plan.source.name, plan.target, plan.options.mount_flags);
    if (mounted) return {};
    return refuse_system(plan.target, "mount(2)", mounted.error(),
                         mounted.error().value == EPERM ? "run it with CAP_SYS_ADMIN" : "");
  }));
  return std::move(*device);
}

Outcome<Connection> connect(const ViewPlan& plan, int device_fd) {
  HandshakeSettings settings;
  settings.passthrough = plan.options.passthrough == PassthroughMode::kAuto;
  settings.stack_depth = plan.stack_depth;
  auto handshake = answer_init(device_fd, settings);
  if (!handshake) {
    return refuse_system(plan.target, "the kernel's FUSE does not answer as expected",
                         handshake.error(), "cvfs needs Linux 5.2 or later");
  }
  auto state = make_state();
  if (!state) return refuse_system(plan.target, "cannot make the state memory", state.error());
  auto own = sys::open_descriptors();
  if (!own) return refuse_system("/proc/self/fd", "cannot read it", own.error());
  return Connection{device_fd, std::move(*handshake),
                    std::make_shared<StateMemory>(std::move(*state)), std::move(*own)};
}

void log_start(const ViewPlan& plan, const Handshake& handshake) {
  const UserNamespaceMap& userns = plan.identity->userns();
  const StoreMap& stored = plan.identity->store();
  spdlog::info(
      "serves {} on {}: userns={} (uids {}, gids {}), owner={} (uids {}, gids {}), "
      "FUSE 7.{}, passthrough {}",
      plan.source.name, plan.target, userns.origin, userns.uids.text(), userns.gids.text(),
      plan.owner == OwnerPolicy::kVirtual ? "virtual" : "map", stored.uids.text(),
      stored.gids.text(), handshake.minor, handshake.passthrough() ? "on" : "off");
}

}  // namespace

int serve_view(const ViewPlan& plan, const std::function<void()>& ready,
               const std::function<void(const OperatorError&)>& refused) {
  raise_descriptor_limit();
  // Before there is a mount that a signal could leave behind.
  block_supervised_signals();
  const Outcome<UniqueFd> device = open_and_mount(plan);
  if (!device) {
    refused(device.error());
    return static_cast<int>(device.error().code);
  }
  const Outcome<Connection> connection = connect(plan, device->get());
  if (!connection) {
    (void)unmount_view(plan, MNT_DETACH);
    refused(connection.error());
    return static_cast<int>(connection.error().code);
  }
  log_start(plan, connection->handshake);
  const int code = supervise(plan, *connection, ready, refused);
  if (code != 0) (void)unmount_view(plan, MNT_DETACH);
  const ViewState& view = connection->state->view();
  spdlog::info(
      "{} is unmounted ({} inodes and {} files were known; {} restarts, the longest of {} ms)",
      plan.target, view.known_inodes.load(), view.open_files.load(), view.restarts.load(),
      view.longest_pause_us / 1000);
  return code;
}

}  // namespace cvfs
