#include "daemon/mount_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "control/readiness.h"

namespace cvfs {

namespace {

tl::unexpected<OperatorError> refuse_namespace(const std::string& object, int error) {
  return refuse(object, std::string("cannot enter this mount namespace: ") + std::strerror(error),
                "-N PID or -N /proc/PID/ns/mnt");
}

[[noreturn]] void act_and_end(int namespace_fd, int report_fd,
                              const std::function<Outcome<void>()>& action) {
  Outcome<void> result;
  // The kernel moves only who shares its root and cwd with nobody, not even with a thread of its
  // own (EINVAL; a sanitizer's runtime has one).
  if (::unshare(CLONE_FS) < 0 || ::setns(namespace_fd, CLONE_NEWNS) < 0) {
    result = refuse_namespace("", errno);
  } else {
    result = action();
  }
  if (result) {
    report_ready(report_fd);
  } else {
    report_refusal(report_fd, result.error());
  }
  ::_exit(0);
}

}  // namespace

Outcome<UniqueFd> open_mount_namespace(const std::string& path) {
  if (path.empty()) return UniqueFd();
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return refuse_namespace(path, errno);
  return fd;
}

Outcome<void> in_mount_namespace(int namespace_fd, const std::function<Outcome<void>()>& action) {
  if (namespace_fd < 0) return action();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return refuse_namespace("pipe", errno);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return refuse_namespace("fork", errno);
  if (child == 0) act_and_end(namespace_fd, write_end.get(), action);
  write_end.reset();
  auto result = await_readiness(read_end.get());
  ::waitpid(child, nullptr, 0);
  return result;
}

Outcome<void> unmount_view(const ViewPlan& plan, int flags) {
  return in_mount_namespace(plan.mount_namespace.get(), [&]() -> Outcome<void> {
    if (::umount2(plan.target.c_str(), flags) == 0) return {};
    return refuse(plan.target, std::string("cannot be unmounted: ") + std::strerror(errno),
                  "fuser -vm " + plan.target);
  });
}

}  // namespace cvfs
