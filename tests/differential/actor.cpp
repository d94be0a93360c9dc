#include "actor.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace differential {

namespace {

void must(bool claim, const char* what) {
  if (claim) return;
  std::perror(what);
  _exit(3);
}

void write_text(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  must(fd >= 0 && ::write(fd, text, std::strlen(text)) > 0, path);
  ::close(fd);
}

// A user namespace of 0:100000:65536, as container engines make it. Its map has to be written from
// outside.
void enter_container() {
  int ready[2];
  int mapped[2];
  must(::pipe(ready) == 0 && ::pipe(mapped) == 0, "pipe");
  const pid_t inside = ::getpid();
  const pid_t helper = ::fork();
  must(helper >= 0, "fork");
  char byte = 0;
  if (helper == 0) {
    must(::read(ready[0], &byte, 1) == 1, "read");
    const std::string proc = "/proc/" + std::to_string(inside);
    write_text((proc + "/uid_map").c_str(), "0 100000 65536");
    write_text((proc + "/gid_map").c_str(), "0 100000 65536");
    must(::write(mapped[1], "m", 1) == 1, "write");
    _exit(0);
  }
  must(::unshare(CLONE_NEWUSER) == 0, "unshare");
  must(::write(ready[1], "r", 1) == 1 && ::read(mapped[0], &byte, 1) == 1, "the user namespace");
  for (const int fd : {ready[0], ready[1], mapped[0], mapped[1]}) ::close(fd);
}

// By way of the container's root: the kernel takes capabilities from who leaves that.
void take_ids(const Identity& identity) {
  must(::setgroups(identity.groups.size(), identity.groups.data()) == 0, "setgroups");
  must(::setresgid(identity.gid, identity.gid, identity.gid) == 0, "setresgid");
  must(::setresuid(0, 0, 0) == 0, "setresuid");
  must(::setresuid(identity.uid, identity.uid, identity.uid) == 0, "setresuid");
}

// What root may, without being root.
void take_ids_with_capabilities(const Identity& identity) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct words[2];
  must(::prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
  // access(2) would do without them.
  must(::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0, "PR_SET_SECUREBITS");
  take_ids(identity);
  must(::syscall(SYS_capget, &header, words) == 0, "capget");
  for (auto& word : words) word.effective = word.permitted;
  must(::syscall(SYS_capset, &header, words) == 0, "capset");
}

}  // namespace

const std::array<Identity, kActors>& identities() {
  static const std::array<Identity, kActors> all{{
      {0, 0, {}},
      {1000, 1000, {2000}},
      {1001, 1001, {2000, 1000}},
      {1002, 1000, {}},
      {1000, 1000, {}},
  }};
  return all;
}

void Actor::put(int number, int fd) {
  int& place = slots[static_cast<std::size_t>(number)];
  if (place >= 0) ::close(place);
  place = fd;
}

int Actor::directory(const Step& step) const {
  return step.directory == kNoSlot ? AT_FDCWD : slot(step.directory);
}

bool is_everybody(const Policy& policy, Where where) {
  return policy.name == "caller" && where == Where::kNative;
}

// To oneself is to everybody; what is allowed to root changes nothing; anything else is refused, as
// to somebody else.
uid_t Actor::meant_uid(std::int64_t uid) const {
  if (!is_everybody || uid == -1) return static_cast<uid_t>(uid);
  const bool may = identity.uid == 0 || uid == static_cast<std::int64_t>(identity.uid);
  return may ? kEverybody : kEverybody + 1;
}

gid_t Actor::meant_gid(std::int64_t gid) const {
  if (!is_everybody || gid == -1) return static_cast<gid_t>(gid);
  const auto is_own = [&](unsigned own) { return gid == static_cast<std::int64_t>(own); };
  const bool may = identity.uid == 0 || is_own(identity.gid) ||
                   std::any_of(identity.groups.begin(), identity.groups.end(), is_own);
  return may ? kEverybody : kEverybody + 1;
}

Actor become(int number, int root_fd, const Policy& policy, Where where) {
  Actor actor;
  actor.policy = policy;
  actor.identity = identities()[static_cast<std::size_t>(number)];
  actor.is_everybody = is_everybody(policy, where);
  actor.slots.fill(-1);
  if (policy.in_container) enter_container();
  actor.proc_fd = ::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  must(actor.proc_fd >= 0, "/proc/self/fd");
  must(::fchdir(root_fd) == 0 && ::chroot(".") == 0, "chroot");
  const Identity everybody{kEverybody, kEverybody, {}};
  if (!actor.is_everybody) {
    take_ids(actor.identity);
  } else if (actor.identity.uid == 0) {
    take_ids_with_capabilities(everybody);
  } else {
    take_ids(everybody);
  }
  ::umask(022);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return actor;
}

bool is_protected(const Actor& actor, int fd) {
  int flags = 0;
  return actor.policy.has_file_flags && ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
         (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0;
}

std::string answer(long result) {
  if (result >= 0) return "= " + std::to_string(result);
  return std::string("= -1 ") + strerrorname_np(errno);
}

}  // namespace differential
