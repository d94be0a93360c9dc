#include "daemon/view_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/log.h"
#include "control/running_views.h"
#include "sys/file.h"
#include "sys/file_lock.h"
#include "sys/filesystem_watch.h"
#include "sys/fuse_notification.h"

namespace cvfs {

namespace {

constexpr std::string_view kPlaces = "/run/cvfs/watch.";
static_assert(kPlaces.starts_with(kControlDirectory));

bool is_at(const UniqueFd& file, const std::string& path) {
  struct stat own {};
  struct stat named {};
  return ::fstat(file.get(), &own) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

// One of the places that views of a filesystem have for watches: a lock that goes with the view.
// Where another view that ends takes the name away meanwhile, what was locked is found by nobody.
UniqueFd take_place(std::uint64_t device, unsigned number) {
  const std::string path =
      std::string(kPlaces) + std::to_string(device) + "." + std::to_string(number);
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  for (;;) {
    UniqueFd place(::open(path.c_str(), kFlags, 0600));
    if (!place || !sys::lock_whole(place.get(), sys::LockMode::kExclusive)) return {};
    if (is_at(place, path)) return place;
  }
}

UniqueFd find_place(int directory) {
  const auto status = sys::status_of(directory);
  if (!status) return {};
  (void)::mkdir(kControlDirectory, 0700);
  for (unsigned i = 0; i < kMostWatches; ++i) {
    if (UniqueFd place = take_place(status->device, i)) return place;
  }
  return {};
}

OperatorError unwatchable(const std::string& what, std::string hint) {
  return {ExitCode::kSystem, "cache=notify", what, std::move(hint)};
}

OperatorError describe(Errno error) {
  const std::string is = std::string(": ") + std::strerror(error.value);
  switch (error.value) {
    case EPERM:
      return unwatchable("cannot watch the filesystem" + is, "run it with CAP_SYS_ADMIN");
    case EMFILE:
      return unwatchable("as many filesystems are watched as may be",
                         "sysctl fs.fanotify.max_user_groups=1024");
    case EINVAL:
    case ENOSYS:
      return unwatchable("this kernel is too old (it takes Linux 6.18)", "cache=ttl:1");
    default:
      return unwatchable("the filesystem does not tell what changes" + is, "cache=ttl:1");
  }
}

Outcome<UniqueFd> open_watch(const ServedView& view) {
  // The newest of what it takes.
  if (!sys::can_prune(view.device.get())) return refuse(describe(Errno{EINVAL}));
  auto watch = sys::watch_filesystem(view.plan.source.directory.get());
  if (!watch) return refuse(describe(watch.error()));
  return std::move(*watch);
}

Outcome<void> watch_if_possible(ServedView& view, bool is_wanted) {
  UniqueFd place = find_place(view.plan.source.directory.get());
  if (!place && !is_wanted) {
    return refuse(unwatchable(std::to_string(kMostWatches) + " views watch this filesystem already",
                              "cache=notify watches all the same"));
  }
  view.watch = TRY(open_watch(view));
  view.watch_place = std::move(place);
  return {};
}

}  // namespace

Outcome<void> choose_cache(ServedView& view) {
  CacheOption& cache = view.plan.options.cache;
  // What one caller is shown is not true for another.
  if (view.plan.owner == OwnerPolicy::kCaller) cache = {CacheMode::kNone, 0};
  if (cache.mode != CacheMode::kAuto && cache.mode != CacheMode::kNotify) return {};
  const bool is_wanted = cache.mode == CacheMode::kNotify;
  const auto watched = watch_if_possible(view, is_wanted);
  if (!watched && is_wanted) return refuse(watched.error());
  cache.mode = watched ? CacheMode::kNotify : CacheMode::kTtl;
  if (!watched) spdlog::info("cache=ttl:1, as {}", watched.error().what);
  return {};
}

void remove_watch_place(const ServedView& view) {
  char path[PATH_MAX];
  const std::string own = "/proc/self/fd/" + std::to_string(view.watch_place.get());
  const ssize_t length = ::readlink(own.c_str(), path, sizeof path);
  const std::string place(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  // Nothing else is ever taken away, whatever became of the descriptor.
  if (!place.starts_with(kPlaces) || !is_at(view.watch_place, place)) return;
  ::unlink(place.c_str());
}

std::string cache_text(const CacheOption& cache) {
  if (cache.mode == CacheMode::kNotify) return "notify";
  if (cache.ttl_seconds <= 0) return "none";
  const nlohmann::json number = cache.ttl_seconds;
  return "ttl:" + number.dump();
}

}  // namespace cvfs
