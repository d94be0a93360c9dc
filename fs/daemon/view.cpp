#include "daemon/view.h"

#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "base/log.h"
#include "control/running_views.h"
#include "daemon/live_settings.h"
#include "daemon/mount_namespace.h"
#include "daemon/mount_target.h"
#include "daemon/process_record.h"
#include "daemon/standby.h"
#include "daemon/supervisor.h"
#include "daemon/view_cache.h"
#include "daemon/view_record.h"
#include "daemon/worker.h"
#include "sys/fuse_device.h"
#include "sys/process.h"
#include "sys/system_log.h"
#include "vfs/state_sections.h"

namespace cvfs {

namespace {

using Ready = std::function<void()>;
using Refused = std::function<void(const OperatorError&)>;

tl::unexpected<OperatorError> refuse_system(const std::string& object, const std::string& what,
                                            Errno error, std::string hint = {}) {
  return refuse(
      {ExitCode::kSystem, object, what + ": " + std::strerror(error.value), std::move(hint)});
}

// What whoever mounts has set for itself is no limit of the containers'.
void lift_inherited_limits() {
  sys::limit_descriptors(0);
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  (void)::setrlimit(RLIMIT_FSIZE, &none);
  // Nobody may read what is logged any more.
  (void)::signal(SIGPIPE, SIG_IGN);
}

// After an upgrade of the package the file that we run is no longer there, but its successor is.
std::string own_program() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  std::string program(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::string_view kDeleted = " (deleted)";
  if (program.ends_with(kDeleted)) program.resize(program.size() - kDeleted.size());
  return program;
}

void begin_log(ServedView& view) {
  if (view.to_syslog) {
    view.log = sys::log_to_syslog(view.plan.source.name);
  } else {
    log_to_stderr(view.plan.source.name);
  }
  if (view.state) {
    apply_log_level(view);
  } else {
    set_log_level(view.plan.options.log_level);
  }
}

// ---- mounting

Outcome<UniqueFd> open_and_mount(const ViewPlan& plan) {
  auto device = sys::open_fuse_device();
  if (!device) {
    return refuse_system("/dev/fuse", "cannot open it", device.error(), "modprobe fuse");
  }
  TRY(in_mount_namespace(plan.mount_namespace.get(), [&]() -> Outcome<void> {
    TRY(clear_target(plan.target, plan.source));
    const auto mounted =
        sys::mount_fuse(device->get(), plan.mounted_as, plan.target, plan.options.mount_flags,
                        plan.owner != OwnerPolicy::kCaller);
    if (mounted) return {};
    return refuse_system(plan.target, "mount(2)", mounted.error(),
                         mounted.error().value == EPERM ? "run it with CAP_SYS_ADMIN" : "");
  }));
  return std::move(*device);
}

Outcome<UniqueFd> make_bell() {
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return refuse_system("eventfd", "cannot make one", Errno{errno});
  return bell;
}

// Kernels before 6.16 tell it only by the mount.
std::uint32_t connection_number(const ServedView& view) {
  if (const auto number = sys::connection_number(view.device.get())) return *number;
  const auto views = find_running_views();
  if (!views || view.plan.mount_namespace) return 0;
  std::uint32_t number = 0;
  for (const RunningView& running : *views) {
    if (std::ranges::find(running.targets, view.target()) != running.targets.end()) {
      number = running.id;
    }
  }
  return number;
}

// What can be done without is done without: a view is worth more than its control socket.
void listen_for_commands(ServedView& view) {
  const std::string path = control_socket_of(connection_number(view));
  auto server = ControlServer::listen(path);
  if (!server) {
    spdlog::warn("no `cvfs status` and `cvfs upgrade`: {}", server.error().message());
    return;
  }
  view.control = server->release();
  view.control_path = path;
}

// After the mount: whatever fails has to unmount.
Outcome<void> connect(ServedView& view) {
  HandshakeSettings settings;
  const ViewPlan& plan = view.plan;
  // Setid bits that only we know of must go with each write, if they mean anything.
  const bool must_see_writes =
      plan.owner == OwnerPolicy::kVirtual && (plan.options.mount_flags & MS_NOSUID) == 0;
  settings.passthrough = plan.options.passthrough == PassthroughMode::kAuto && !must_see_writes;
  settings.posix_acl = plan.owner != OwnerPolicy::kCaller;
  settings.stack_depth = plan.stack_depth;
  settings.locks = plan.options.locks != LockOption::kLocal;
  auto handshake = answer_init(view.device.get(), settings);
  if (!handshake) {
    return refuse_system(view.target(), "the kernel's FUSE does not answer as expected",
                         handshake.error(), "cvfs needs Linux 5.2 or later");
  }
  view.handshake = std::move(*handshake);
  auto state = make_state();
  if (!state) return refuse_system(view.target(), "cannot make the state memory", state.error());
  view.state = std::make_shared<StateMemory>(std::move(*state));
  view.worker_bell = TRY(make_bell());
  view.standby_bell = TRY(make_bell());
  TRY(choose_cache(view));
  view.mounted_at = std::time(nullptr);
  listen_for_commands(view);
  return {};
}

void log_start(const ServedView& view) {
  const UserNamespaceMap& userns = view.plan.identity->userns();
  const StoreMap& stored = view.plan.identity->store();
  spdlog::info(
      "serves {} on {}: userns={} (uids {}, gids {}), owner={} (uids {}, gids {}), "
      "FUSE 7.{}, passthrough {}, cache={}",
      view.plan.source.name, view.target(), userns.origin, userns.uids.text(), userns.gids.text(),
      name_of(view.plan.owner), stored.uids.text(), stored.gids.text(), view.handshake.minor,
      view.handshake.passthrough() ? "on" : "off", cache_text(view.plan.options.cache));
  if (!view.handshake.resends()) {
    spdlog::warn(
        "this kernel does not send requests again: those in flight when a worker dies hang");
  }
  if (view.plan.suid_denied) {
    spdlog::warn(
        "nosuid all the same: container root is the host's root here, and the tenant's setuid "
        "programs would be its; userns=@NAME has suid");
  }
}

// ---- serving

// It inherits the blocked signals: a SIGTERM to the whole session unmounts by way of the
// supervisor, and does not kill the worker.
[[noreturn]] void be_worker(const ServedView& view, const std::vector<int>& others,
                            const Ready& ready, const Refused& refused) {
  ::prctl(PR_SET_NAME, "cvfsd-worker");
  const OperatorError error = run_worker(view, others, ready);
  if (view.memory().serving == 0) {
    refused(error);
  } else {
    spdlog::error("cannot go on: {}", error.message());
  }
  ::_exit(static_cast<int>(error.code));
}

Accession be_standby(const ServedView& view) {
  ::prctl(PR_SET_NAME, "cvfsd-standby");
  const Succession succession = stand_by(view);
  if (succession == Succession::kEnd) ::_exit(0);
  ::prctl(PR_SET_NAME, "cvfsd");
  return succession == Succession::kRolledBack ? Accession::kRolledBack : Accession::kSucceeded;
}

// Of a process' first thread: it would be unwound, and close the descriptors that it shares with
// the view's other processes. Another takes its place. Requests that find no memory are ENOMEM.
void end_without_memory() {
  if (::gettid() == ::getpid()) std::abort();
  throw std::bad_alloc();
}

// Comes back in the one process that sees the view's end, as its supervisor.
int run_processes(const ServedView& view, Accession accession, const Ready& ready,
                  const Refused& refused) {
  std::set_new_handler(end_without_memory);
  for (;;) {
    // Not destroyed in a process that was forked: it is the other's, and so are its descriptors.
    auto* supervisor = new Supervisor(view, accession);  // NOLINT(cppcoreguidelines-owning-memory)
    switch (supervisor->run()) {
      case Role::kWorker:
        be_worker(view, supervisor->descriptors(), ready, refused);
      case Role::kStandby:
        accession = be_standby(view);
        break;
      case Role::kSuperseded:
        ::_exit(0);
      case Role::kEnded:
        if (const auto& refusal = supervisor->refusal()) refused(*refusal);
        end_process(view.memory().standby);
        return supervisor->exit_code();
    }
  }
}

void log_end(const ServedView& view) {
  const ViewState& memory = view.memory();
  spdlog::info(
      "{} is unmounted ({} inodes and {} files were known; {} restarts, the longest of {} ms)",
      view.target(), memory.known_inodes.load(), memory.open_files.load(), memory.restarts.load(),
      memory.longest_pause_us / 1000);
}

int serve_to_the_end(const ServedView& view, Accession accession, const Ready& ready,
                     const Refused& refused) {
  const int code = run_processes(view, accession, ready, refused);
  if (code != 0) (void)unmount_view(view.plan, MNT_DETACH);
  if (view.control >= 0) ControlServer::adopt(view.control, view.control_path).remove();
  remove_watch_place(view);
  log_end(view);
  return code;
}

}  // namespace

int serve_view(ViewPlan plan, const Build& build, const Ready& ready, const Refused& refused) {
  lift_inherited_limits();
  ServedView view;
  view.plan = std::move(plan);
  view.version = build.version;
  view.to_syslog = build.to_syslog;
  view.program = own_program();
  begin_log(view);
  const auto give_up = [&](const OperatorError& error) {
    refused(error);
    return static_cast<int>(error.code);
  };
  // Before there is a mount that a signal could leave behind.
  auto signals = take_supervised_signals();
  if (!signals) return give_up(signals.error());
  view.signals = std::move(*signals);
  auto device = open_and_mount(view.plan);
  if (!device) return give_up(device.error());
  view.device = std::move(*device);
  if (const auto connected = connect(view); !connected) {
    (void)unmount_view(view.plan, MNT_DETACH);
    remove_watch_place(view);
    return give_up(connected.error());
  }
  log_start(view);
  return serve_to_the_end(view, Accession::kMounted, ready, refused);
}

Outcome<int> resume_view(int state_fd, const Build& build) {
  ::prctl(PR_SET_NAME, "cvfsd");
  lift_inherited_limits();
  auto state = std::make_shared<StateMemory>(TRY(adopt_state(UniqueFd(state_fd))));
  ServedView view = TRY(read_view_record(std::move(state)));
  view.replaced = std::exchange(view.version, build.version);
  view.program = own_program();
  view.is_confined = build.is_confined;
  view.generation = current_generation(view.memory()) + 1;
  begin_log(view);
  return serve_to_the_end(
      view, Accession::kExecuted, [] {}, [](const OperatorError&) {});
}

Outcome<void> check_state_of_view(int state_fd) {
  TRY(check_state(state_fd));
  return check_view_record(TRY(StateMemory::read(state_fd, Section::kPlan, kPlanVersion)));
}

}  // namespace cvfs
