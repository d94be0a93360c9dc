#include "sys/credentials.h"

#include <linux/capability.h>
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

// What this thread serves with, read once: capget for every create would be one call too many.
struct ServingThread {
  bool prepared = false;
  Capabilities normal{};
  Capabilities with_setid{};
  mode_t umask = 0;
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

void take_ids(uid_t uid, gid_t gid) {
  if (!serving.prepared) std::abort();
  // Gid before uid: after giving up uid 0 the gid may no longer be changed.
  if (gid != 0) set_fsgid(gid);
  if (uid != 0) set_fsuid(uid);
}

void give_ids_back() {
  set_fsuid(0);
  set_fsgid(0);
  serving.normal.apply();
}

}  // namespace

Result<void> keep_capabilities(std::span<const int> kept) {
  Capabilities remaining{};
  for (const int capability : kept) {
    const std::uint32_t bit = 1U << (capability % 32);
    remaining.words[capability / 32].effective |= bit;
    remaining.words[capability / 32].permitted |= bit;
  }
  // The bounding set first: that itself takes a capability. EINVAL: past the kernel's last one.
  for (int capability = 0; capability < 64; ++capability) {
    const bool keep = std::ranges::find(kept, capability) != kept.end();
    if (!keep && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) {
      return last_error();
    }
  }
  const Capabilities now = Capabilities::of_this_thread();
  for (std::size_t i = 0; i < std::size(now.words); ++i) {
    remaining.words[i].effective &= now.words[i].permitted;
    remaining.words[i].permitted &= now.words[i].permitted;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return succeeded(static_cast<int>(::syscall(SYS_capset, &header, remaining.words)));
}

void prepare_serving_thread() {
  if (serving.prepared) return;
  if (::unshare(CLONE_FS) < 0) std::abort();
  ::umask(0);
  // Without CAP_SYS_RESOURCE a tenant's quota and the filesystem's reserved blocks hold for us,
  // too.
  serving.with_setid = Capabilities::of_this_thread().without(CAP_SYS_RESOURCE);
  serving.normal = serving.with_setid.without(CAP_FSETID);
  serving.normal.apply();
  serving.prepared = true;
}

CreateAs::CreateAs(uid_t uid, gid_t gid, mode_t umask) {
  take_ids(uid, gid);
  if (serving.umask != umask) {
    ::umask(umask);
    serving.umask = umask;
  }
  // Leaving uid 0 drops the file capabilities from the effective set (capabilities(7)); the
  // permitted set still has them.
  serving.with_setid.apply();
}

CreateAs::~CreateAs() {
  give_ids_back();
}

ActAs::ActAs(uid_t uid, gid_t gid, bool keep_setid) {
  take_ids(uid, gid);
  (keep_setid ? serving.with_setid : serving.normal).apply();
}

ActAs::~ActAs() {
  give_ids_back();
}

KeepSetid::KeepSetid() {
  if (!serving.prepared) std::abort();
  serving.with_setid.apply();
}

KeepSetid::~KeepSetid() {
  serving.normal.apply();
}

}  // namespace cvfs::sys
