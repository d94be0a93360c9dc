#include "daemon/confinement.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "sys/credentials.h"
#include "sys/fuse_device.h"
#include "sys/new_calls.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// --- capabilities

constexpr int kWorkerCapabilities[] = {
    CAP_SYS_ADMIN,        // the passthrough ioctls, trusted.*, what is mounted below
    CAP_DAC_OVERRIDE,     // the kernel has checked access on the ids that it is shown
    CAP_DAC_READ_SEARCH,  // open_by_handle_at(2); link(2) of a file without a name
    CAP_CHOWN,            // chown on behalf of container root
    CAP_FOWNER,           // chmod, times and xattrs of files of any stored id
    CAP_FSETID,           // callers that keep setid bits; taken on for a single call
    CAP_SETUID,           // files are made as their owners
    CAP_SETGID,
    CAP_SETFCAP,          // security.capability, with the rootid translated
    CAP_LINUX_IMMUTABLE,  // chattr(1) +i and +a of the host's root
    CAP_IPC_LOCK,         // receive buffers that are always there
    CAP_SYS_PTRACE,       // /proc/PID/ns/pid and root of a caller: is it the host's root? (claims);
                          // /proc/PID/syscall: does it wait for a POSIX lock? (deadlocks)
};

void keep(std::span<const int> capabilities) {
  if (const auto kept = sys::keep_capabilities(capabilities); !kept) {
    spdlog::warn("cannot give capabilities up: {}", std::strerror(kept.error().value));
  }
}

// --- system calls

#ifndef CVFS_SANITIZED

// By what they are for, blanks in between. Names that a kernel or an architecture does not have are
// passed over. libc makes renameat of a renameat2 without flags, and the like: both are named.
constexpr std::string_view kFiles =
    "openat openat2 open open_by_handle_at name_to_handle_at open_tree close close_range "
    "dup dup2 dup3 fcntl fcntl64 flock stat fstat lstat newfstatat statx statfs fstatfs "
    "access faccessat faccessat2 readlink readlinkat getdents64 getcwd "
    "mkdir mkdirat mknod mknodat symlink symlinkat link linkat unlink unlinkat rmdir "
    "rename renameat renameat2 chmod fchmod fchmodat chown fchown lchown fchownat "
    "truncate ftruncate utimensat umask";

constexpr std::string_view kData =
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek "
    "copy_file_range sendfile splice fsync fdatasync syncfs fallocate sync_file_range "
    "pipe pipe2 poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait "
    "eventfd2 timerfd_create timerfd_settime signalfd4";

constexpr std::string_view kXattrs =
    "getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr "
    "listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr";

// Of the process itself: identity, memory, threads, time, signals.
constexpr std::string_view kSelf =
    "setfsuid setfsgid capget capset getuid geteuid getgid getegid getpid getppid gettid "
    "mmap munmap mprotect mremap madvise msync brk mlock mlock2 munlock memfd_create membarrier "
    "futex set_robust_list get_robust_list rseq clone clone3 fork vfork set_tid_address "
    "arch_prctl exit exit_group sched_yield sched_getaffinity sched_setaffinity getcpu "
    "getpriority setpriority clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday "
    "time times "
    "getrusage getrandom uname sysinfo getrlimit prlimit64 prctl rt_sigaction rt_sigprocmask "
    "rt_sigreturn rt_sigtimedwait rt_sigsuspend rt_sigpending sigaltstack restart_syscall "
    "tgkill kill rt_tgsigqueueinfo alarm setitimer";

// Of the other processes of the view: a worker that has lost them all may start the program anew,
// which goes on under this same filter and ends by unmounting.
constexpr std::string_view kOthers =
    "execve wait4 waitid pidfd_open pidfd_send_signal umount2 setsid chdir fchdir";

// Writes to busy files are passed over (fuse/busy_files.h); what is watched was opened before.
constexpr std::string_view kEvents = "fanotify_mark";

// Of sockets, which are of the local kind alone: syslog, and cvfs' own control.
constexpr std::string_view kSockets =
    "connect bind listen accept4 sendto sendmsg recvfrom recvmsg getsockopt setsockopt "
    "shutdown getsockname getpeername";

// That libseccomp may not know by their names.
constexpr int kNewCalls[] = {sys::kFchmodat2, sys::kGetxattrat};

class Filter {
 public:
  // Killing instead would take a request of every container along with one that asks too much.
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) { note(context_ != nullptr ? 0 : -1); }
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void allow(std::string_view names) {
    while (!names.empty()) {
      const std::string name(names.substr(0, names.find(' ')));
      names.remove_prefix(std::min(name.size() + 1, names.size()));
      const int number = seccomp_syscall_resolve_name(name.c_str());
      if (number >= 0) note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, number, 0, nullptr));
    }
  }

  void allow(std::span<const int> numbers) {
    for (const int number : numbers) {
      note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, number, 0, nullptr));
    }
  }

  // Only with this value of one argument, of which the lower 32 bits count.
  void allow_with(const char* name, unsigned argument, std::uint64_t value) {
    constexpr std::uint64_t kInt = 0xFFFFFFFF;
    const scmp_arg_cmp equal{argument, SCMP_CMP_MASKED_EQ, kInt, value & kInt};
    const int number = seccomp_syscall_resolve_name(name);
    if (number >= 0) note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, number, 1, &equal));
  }

  // 0 or a negative errno.
  int load() {
    note(seccomp_attr_set(context_, SCMP_FLTATR_CTL_LOG, 1));
    note(seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1));
    // What is allowed whatever its arguments costs nothing then (Linux 5.11); a search tree for
    // older kernels. No Speculative Store Bypass Disable: we run nobody's code.
    note(seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2));
    note(seccomp_attr_set(context_, SCMP_FLTATR_CTL_SSB, 1));
    if (error_ == 0) note(seccomp_load(context_));
    return error_;
  }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = result;
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

void allow_only_serving(const WorkerNeeds& needs) {
  Filter filter;
  for (const std::string_view names : {kFiles, kData, kXattrs, kSelf, kOthers, kSockets, kEvents}) {
    filter.allow(names);
  }
  filter.allow(kNewCalls);
  filter.allow_with("unshare", 0, CLONE_FS);
  filter.allow_with("socket", 0, AF_UNIX);
  filter.allow_with("socketpair", 0, AF_UNIX);
  if (needs.enters_mounts) filter.allow_with("setns", 1, CLONE_NEWNS);
  if (needs.sets_times) filter.allow("mount_setattr");
  for (const unsigned long command : std::initializer_list<unsigned long>{
           sys::kIoctlBackingOpen, sys::kIoctlBackingClose, sys::kIoctlPidfdInfo, FS_IOC_GETFLAGS,
           FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, FIONREAD}) {
    filter.allow_with("ioctl", 1, command);
  }
  if (const int error = filter.load(); error < 0) {
    spdlog::warn("no seccomp filter: {}", std::strerror(-error));
  }
}

#else

// A sanitizer's runtime makes system calls of its own.
void allow_only_serving(const WorkerNeeds&) {}

#endif

}  // namespace

void confine_worker(const WorkerNeeds& needs) {
  std::vector<int> kept(std::begin(kWorkerCapabilities), std::end(kWorkerCapabilities));
  if (needs.makes_devices) kept.push_back(CAP_MKNOD);
  if (needs.enters_mounts) kept.push_back(CAP_SYS_CHROOT);  // setns(2) asks for it; no chroot(2)
  keep(kept);
  allow_only_serving(needs);
}

}  // namespace cvfs
