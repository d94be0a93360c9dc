// ViewOptions: everything an operator can say about a view, parsed and checked for form (not yet
// against the machine). Used by mount.cvfs and cvfsd alike, so that both speak the same options.
// A value type; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

enum class OwnerPolicy { kDefault, kMap, kVirtual, kCaller };
// As owner= has it. kDefault has no name: "".
const char* name_of(OwnerPolicy policy);
enum class PassthroughMode { kAuto, kOff };
// Of files, by fcntl(2) and flock(2): exclusive with everybody, within the view, or none (ENOLCK).
enum class LockOption { kShared, kLocal, kOff };
enum class LogLevel { kError, kWarning, kInfo, kDebug };
const char* name_of(LogLevel level);
// What is logged beyond that: nothing, or each request with its ids before and after translation.
enum class DebugOption { kOff, kOperations };

// What the kernel believes of names and attributes without asking: what it is told when others
// change something, or everything for a time. kAuto: the first, where that is possible.
enum class CacheMode { kAuto, kNotify, kTtl, kNone };

struct CacheOption {
  CacheMode mode = CacheMode::kAuto;
  // How long it may believe what nobody tells of; 0: cache=none.
  double ttl_seconds = 1.0;
};

struct ViewOptions {
  // userns=, uidmap=, gidmap= as given; idmap/user_namespace.h reads them.
  std::string userns;
  std::string uidmap;
  std::string gidmap;

  OwnerPolicy owner = OwnerPolicy::kDefault;
  std::optional<std::uint32_t> store_uid;  // storeuid=
  std::optional<std::uint32_t> store_gid;  // storegid=
  std::string containerdata = "/containerdata";
  PassthroughMode passthrough = PassthroughMode::kAuto;
  CacheOption cache;
  LockOption locks = LockOption::kShared;
  LogLevel log_level = LogLevel::kInfo;   // log=error|warning|info|debug
  DebugOption debug = DebugOption::kOff;  // debug=ops|off
  unsigned threads = 0;                   // threads=1…64; 0: chosen from the number of CPUs
  // hang=: a worker that is at one request for so long is looked at; 0: never.
  unsigned hang_seconds = 120;

  // MS_* of mount(2). Views are nosuid,nodev unless `suid` or `dev` is said.
  unsigned long mount_flags = 0;
};

// Parses mount(8)'s comma-separated option string. A later option overrides an earlier one.
// Stripped silently: what mount(8) passes on although it is for others (auto, noauto, nofail,
// _netdev, user, nouser, users, owner, group, defaults, comment=…, x-*, X-*).
// Understood: ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime
// norelatime strictatime nostrictatime sync async dirsync lazytime nolazytime (mount(8)), and cvfs'
// own; and what other FUSE filesystems call the same (control/foreign_options.h). Refused with
// ExitCode::kUsage: an unknown option (the nearest known one is suggested, or what stands for it),
// a value where none is meant or none where one is meant, a value out of range. `sloppy` (mount
// -s): unknown options are passed over.
Outcome<ViewOptions> parse_view_options(std::string_view text, bool sloppy = false);

}  // namespace cvfs
