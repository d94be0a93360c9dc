// cvfsd: the daemon of one view. mount.cvfs starts it; by hand it stays in the foreground.

#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.h"
#include "base/unique_fd.h"
#include "control/readiness.h"
#include "daemon/main/version.h"
#include "daemon/view.h"
#include "daemon/view_plan.h"
#include "sys/system_log.h"

namespace cvfs {
namespace {

struct CommandLine {
  MountCommand mount;
  int ready_fd = -1;
  int resume_fd = -1;
  int check_state_fd = -1;
  bool confined = false;
  bool check_only = false;
};

// To whom started us: mount.cvfs waits at the pipe, a person reads stderr.
void refuse_to_starter(const UniqueFd& ready_pipe, const OperatorError& error) {
  if (ready_pipe) {
    report_refusal(ready_pipe.get(), error);
  } else {
    std::fprintf(stderr, "cvfsd: %s\n", error.message().c_str());
  }
}

int run(const CommandLine& command, UniqueFd& ready_pipe) {
  Outcome<ViewPlan> plan = plan_view(command.mount);
  if (!plan) {
    refuse_to_starter(ready_pipe, plan.error());
    return static_cast<int>(plan.error().code);
  }
  const auto ready = [&ready_pipe] {
    if (!ready_pipe) return;
    report_ready(ready_pipe.get());
    ready_pipe.reset();  // for the supervisor, too: they share it
  };
  if (command.check_only) {
    ready();
    return 0;
  }
  const Build build{kVersion, static_cast<bool>(ready_pipe)};
  return serve_view(std::move(*plan), build, ready, [&ready_pipe](const OperatorError& error) {
    refuse_to_starter(ready_pipe, error);
  });
}

// ---- called by a running view that is to be upgraded (daemon/upgrade.h)

int check_state(int state_fd) {
  const auto checked = check_state_of_view(state_fd);
  if (!checked) {
    std::printf("%s\n", checked.error().message().c_str());
    return static_cast<int>(checked.error().code);
  }
  std::printf("{\"cvfsd\":\"%s\"}\n", kVersion);
  return 0;
}

int resume(int state_fd, bool is_confined) {
  const auto resumed = resume_view(state_fd, Build{kVersion, true, is_confined});
  if (resumed) return *resumed;
  (void)sys::log_to_syslog("upgrade");
  spdlog::error("cannot take the view over: {}", resumed.error().message());
  return static_cast<int>(resumed.error().code);
}

int main_of_cvfsd(int argc, char** argv) {
  CommandLine command;
  CLI::App app(
      "Serves one view of a tenant's tree; mount(8) starts it by mount.cvfs (docs/mounting.md).",
      "cvfsd");
  app.set_version_flag("--version", kVersion);
  app.add_option("source", command.mount.source, "NAME, NAME:/PATH or a path");
  app.add_option("target", command.mount.target, "where to mount it");
  app.add_option("-o", command.mount.options, "mount options, comma-separated");
  app.add_option("--namespace", command.mount.mount_namespace,
                 "mount it in this mount namespace (/proc/PID/ns/mnt)");
  app.add_flag("--sloppy", command.mount.sloppy, "pass over unknown options");
  app.add_flag("--check", command.check_only, "check everything, mount nothing");
  app.add_option("--ready-fd", command.ready_fd,
                 "say there when the view serves, and log to syslog (for mount.cvfs)");
  const std::string for_upgrades = "for `cvfs upgrade` only";
  app.add_option("--check-state", command.check_state_fd, for_upgrades)->group("");
  app.add_option("--resume", command.resume_fd, for_upgrades)->group("");
  app.add_flag("--confined", command.confined, for_upgrades)->group("");
  CLI11_PARSE(app, argc, argv);

  if (command.check_state_fd >= 0) return check_state(command.check_state_fd);
  if (command.resume_fd >= 0) return resume(command.resume_fd, command.confined);
  if (command.mount.target.empty()) return app.exit(CLI::RequiredError("source and target"));

  UniqueFd ready_pipe(command.ready_fd);
  if (ready_pipe) ::fcntl(ready_pipe.get(), F_SETFD, FD_CLOEXEC);
  return run(command, ready_pipe);
}

}  // namespace
}  // namespace cvfs

int main(int argc, char** argv) {
  try {
    return cvfs::main_of_cvfsd(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cvfsd: %s\n", error.what());
    return static_cast<int>(cvfs::ExitCode::kInternal);
  }
}
