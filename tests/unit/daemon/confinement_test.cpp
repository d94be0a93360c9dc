#include "daemon/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "sys/credentials.h"
#include "sys/process.h"

namespace cvfs {
namespace {

// Runs in a child, so that this process keeps its rights. The errno, 0 for success.
int confined(
    const std::function<long()>& call, const WorkerNeeds& needs = {},
    const std::function<void()>& before = [] {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    before();
    confine_worker(needs);
    errno = 0;
    ::_exit(call() < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

class Confinement : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
#ifdef CVFS_SANITIZED
    GTEST_SKIP() << "sanitized builds have no filter";
#endif
  }
};

TEST_F(Confinement, WhatServesNothingIsRefused) {
  struct Attempt {
    const char* what;
    std::function<long()> call;
  };
  const Attempt attempts[] = {
      {"mount", [] { return ::mount("none", "/nowhere", "tmpfs", 0, nullptr); }},
      {"chroot", [] { return ::chroot("/nowhere"); }},
      {"pivot_root", [] { return ::syscall(SYS_pivot_root, "/nowhere", "/nowhere"); }},
      {"fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0U); }},
      {"move_mount", [] { return ::syscall(SYS_move_mount, -1, "", -1, "", 0U); }},
      {"mount_setattr", [] { return ::syscall(SYS_mount_setattr, -1, "", 0U, nullptr, 0U); }},
      {"setns", [] { return ::setns(-1, 0); }},
      {"unshare of a namespace", [] { return ::unshare(CLONE_NEWNS); }},
      {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
      {"process_vm_readv", [] { return ::process_vm_readv(1, nullptr, 0, nullptr, 0, 0); }},
      {"pidfd_getfd", [] { return ::syscall(SYS_pidfd_getfd, -1, 0, 0U); }},
      {"init_module", [] { return ::syscall(SYS_init_module, nullptr, 0UL, ""); }},
      {"kexec_load", [] { return ::syscall(SYS_kexec_load, 0UL, 0UL, nullptr, 0UL); }},
      {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0U); }},
      {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 0U, nullptr); }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
      {"setuid", [] { return ::syscall(SYS_setuid, 1500); }},
      {"reboot", [] { return ::reboot(-1); }},
      {"a socket of the network", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"a terminal's ioctl", [] { return ::syscall(SYS_ioctl, 0, 0x5412UL, ""); }},  // TIOCSTI
  };
  for (const Attempt& attempt : attempts) EXPECT_EQ(confined(attempt.call), EPERM) << attempt.what;
}

TEST_F(Confinement, ServingGoesOn) {
  EXPECT_EQ(confined([] { return ::open("/", O_RDONLY | O_DIRECTORY); }), 0);
  EXPECT_EQ(confined([] { return ::unshare(CLONE_FS); }), 0);
  EXPECT_EQ(confined([] { return ::socket(AF_UNIX, SOCK_DGRAM, 0); }), 0);
  EXPECT_EQ(confined([] {
              long result = -1;
              std::thread([&result] {
                sys::prepare_serving_thread();
                const sys::CreateAs guard(1500, 1500, 0);
                result = ::memfd_create("file", 0);
              }).join();
              return result;
            }),
            0);
  EXPECT_EQ(confined([] { return ::execl("/bin/true", "true", nullptr); }), 0);
}

// EBADF: it came as far as the descriptor.
TEST_F(Confinement, TheWatchIsAskedHowMuchItHolds) {
  int bytes = 0;
  EXPECT_EQ(confined([&] { return ::ioctl(-1, FIONREAD, &bytes); }), EBADF);
}

TEST_F(Confinement, WhoGoesOnForTheOthersCanDoWhatTheyDid) {
  WorkerNeeds needs;
  EXPECT_EQ(confined([] { return ::ioctl(-1, sys::kIoctlPidfdInfo, nullptr); }), EBADF);
  needs.enters_mounts = true;
  EXPECT_EQ(confined([] { return ::setns(-1, CLONE_NEWNS); }, needs), EBADF);
  EXPECT_EQ(confined([] { return ::setns(-1, CLONE_NEWUSER); }, needs), EPERM);
  EXPECT_EQ(confined([] { return ::setns(-1, 0); }, needs), EPERM) << "of any kind";
  EXPECT_EQ(confined([] { return ::chroot("/nowhere"); }, needs), EPERM);
  EXPECT_EQ(confined(
                [] {
                  const int own = ::open("/proc/self/ns/mnt", O_RDONLY);
                  return own < 0 || ::unshare(CLONE_FS) < 0 ? -1 : ::setns(own, CLONE_NEWNS);
                },
                needs),
            0);
}

TEST_F(Confinement, WhoIsConfinedStaysSo) {
  EXPECT_EQ(confined([] {
              confine_worker({true, true, true});
              return ::setns(-1, CLONE_NEWNS);
            }),
            EPERM);
}

// As a service manager may start it: with a filter of its own, and without CAP_SETPCAP.
TEST_F(Confinement, AFilterOfOthersIsNotTakenForOurs) {
  const auto confined_below = [](const std::function<long()>& call) {
    return confined(call, {}, [] {
      sock_filter allow_all{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
      const sock_fprog filter{1, &allow_all};
      if (::prctl(PR_CAPBSET_DROP, CAP_SETPCAP, 0, 0, 0) < 0 ||
          ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) {
        ::_exit(254);
      }
      // Not even to drop what is left of it in the bounding set.
      const int kept[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN};
      (void)sys::keep_capabilities(kept);
    });
  };
  EXPECT_EQ(confined_below([] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }), EPERM);
  EXPECT_EQ(confined_below([] {
              __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
              __user_cap_data_struct words[2] = {};
              const long got = ::syscall(SYS_capget, &header, words);
              return (words[0].effective & (1U << CAP_NET_ADMIN)) == 0 ? got : -1;
            }),
            0)
      << "what can be given up is";
  EXPECT_EQ(confined_below([] {
              return ::execl("/bin/sh", "sh", "-c",
                             "caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) && "
                             "[ $((0x$caps & 1 << 12)) = 0 ]",
                             nullptr);
            }),
            0)
      << "also over execve(2), although the bounding set is as it was";
}

TEST_F(Confinement, NoDeviceCanBeMade) {
  EXPECT_EQ(confined([] { return ::mknod("/tmp/cvfs-device", S_IFBLK | 0600, 0x700); }), EPERM);
}

TEST_F(Confinement, WhatIsGivenUpDoesNotComeBackByExecve) {
  // The shell's own, after execve(2) as root.
  EXPECT_EQ(confined([] {
              return ::execl(
                  "/bin/sh", "sh", "-c",
                  "read_caps() { sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status; }; "
                  "[ $((0x$(read_caps) & (1 << 27 | 1 << 16 | 1 << 17 | 1 << 12 | 1 << 5))) = 0 ]",
                  nullptr);
            }),
            0);
}

}  // namespace
}  // namespace cvfs
