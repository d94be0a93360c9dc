#include "sys/credentials.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace cvfs::sys {

namespace {

struct Capabilities {
  __user_cap_data_struct words[2];

  static Capabilities of_this_thread() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Capabilities capabilities{};
    if (::syscall(SYS_capget, &header, capabilities.words) < 0) std::abort();
    return capabilities;
  }

  void apply() const {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    if (::syscall(SYS_capset, &header, words) < 0) std::abort();
  }

  Capabilities without(int capability) const {
    Capabilities changed = *this;
    changed.words[capability / 32].effective &= ~(1U << (capability % 32));
    return changed;
  }
};

// What this thread serves with, and what it has taken of it at the moment: a change of ids or
// capabilities costs more than most system calls that are made with them.
struct ServingThread {
  bool prepared = false;
  Capabilities normal{};
  Capabilities with_setid{};
  bool ids_leave_capabilities = false;  // SECBIT_NO_SETUID_FIXUP
  bool gives_back = true;
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t umask = 0;
  bool keeps_setid = false;

  void apply_capabilities() const { (keeps_setid ? with_setid : normal).apply(); }
};
thread_local ServingThread serving;

void set_fsuid(uid_t uid) {
  ::syscall(SYS_setfsuid, uid);
  // setfsuid(2) does not say whether it worked; asking with an impossible id does.
  if (static_cast<uid_t>(::syscall(SYS_setfsuid, -1)) != uid) std::abort();
}

void set_fsgid(gid_t gid) {
  ::syscall(SYS_setfsgid, gid);
  if (static_cast<gid_t>(::syscall(SYS_setfsgid, -1)) != gid) std::abort();
}

void take_capabilities(bool keep_setid) {
  if (serving.keeps_setid == keep_setid) return;
  serving.keeps_setid = keep_setid;
  serving.apply_capabilities();
}

void take_ids(uid_t uid, gid_t gid) {
  if (!serving.prepared) std::abort();
  if (serving.gid != gid) set_fsgid(gid);
  serving.gid = gid;
  if (serving.uid == uid) return;
  set_fsuid(uid);
  serving.uid = uid;
  // Leaving uid 0 has dropped the file capabilities from the effective set (capabilities(7)); the
  // permitted set still has them.
  if (!serving.ids_leave_capabilities) serving.apply_capabilities();
}

void take_umask(mode_t umask) {
  if (serving.umask != umask) ::umask(umask);
  serving.umask = umask;
}

void end_guard() {
  take_capabilities(false);
  if (serving.gives_back) take_ids(0, 0);
}

// Best effort: without it each change of uid costs a capset(2).
void let_ids_leave_capabilities() {
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  if (bits >= 0) (void)::prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
}

bool ids_leave_capabilities() {
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  return bits >= 0 && (bits & SECBIT_NO_SETUID_FIXUP) != 0;
}

}  // namespace

Result<void> keep_capabilities(std::span<const int> kept) {
  Capabilities remaining{};
  for (const int capability : kept) {
    const std::uint32_t bit = 1U << (capability % 32);
    remaining.words[capability / 32].effective |= bit;
    remaining.words[capability / 32].permitted |= bit;
  }
  let_ids_leave_capabilities();
  // The bounding set first: that itself takes a capability. EINVAL: past the kernel's last one.
  Result<void> bounded;
  for (int capability = 0; capability < 64; ++capability) {
    const bool keep = std::ranges::find(kept, capability) != kept.end();
    if (!keep && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) {
      bounded = last_error();
    }
  }
  const Capabilities now = Capabilities::of_this_thread();
  for (std::size_t i = 0; i < std::size(now.words); ++i) {
    remaining.words[i].effective &= now.words[i].permitted;
    remaining.words[i].permitted &= now.words[i].permitted;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  TRY(succeeded(static_cast<int>(::syscall(SYS_capset, &header, remaining.words))));
  return bounded;
}

void prepare_serving_thread() {
  if (serving.prepared) return;
  if (::unshare(CLONE_FS) < 0) std::abort();
  ::umask(0);
  // It has those of the thread that began it, which may have served somebody.
  ::syscall(SYS_setfsgid, 0);
  ::syscall(SYS_setfsuid, 0);
  // Without CAP_SYS_RESOURCE a tenant's quota and the filesystem's reserved blocks hold for us,
  // too.
  serving.with_setid = Capabilities::of_this_thread().without(CAP_SYS_RESOURCE);
  serving.normal = serving.with_setid.without(CAP_FSETID);
  serving.normal.apply();
  let_ids_leave_capabilities();
  serving.ids_leave_capabilities = ids_leave_capabilities();
  serving.prepared = true;
}

void begin_request(bool by_root) {
  serving.gives_back = by_root;
  if (by_root) act_as_root();
}

void act_as_root() {
  if (!serving.prepared) return;  // a thread that serves nobody is root's
  take_capabilities(false);
  take_ids(0, 0);
}

CreateAs::CreateAs(uid_t uid, gid_t gid, mode_t umask, bool keep_setid) {
  take_ids(uid, gid);
  take_umask(umask);
  take_capabilities(keep_setid);
}

CreateAs::~CreateAs() {
  end_guard();
}

ActAs::ActAs(uid_t uid, gid_t gid, bool keep_setid) {
  take_ids(uid, gid);
  take_capabilities(keep_setid);
}

ActAs::~ActAs() {
  end_guard();
}

ActUnprivileged::ActUnprivileged(uid_t uid, gid_t gid, bool in_group) {
  const bool is_unprivileged = !serving.gives_back && serving.uid != 0;
  take_ids(is_unprivileged ? serving.uid : uid, is_unprivileged && !in_group ? serving.gid : gid);
  take_capabilities(false);
}

ActUnprivileged::~ActUnprivileged() {
  end_guard();
}

KeepSetid::KeepSetid() {
  if (!serving.prepared) std::abort();
  take_capabilities(true);
}

KeepSetid::~KeepSetid() {
  take_capabilities(false);
}

}  // namespace cvfs::sys
