#include "cli/containerdata.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>

#include "control/printable.h"
#include "control/tenant_name.h"
#include "control/tenant_source.h"

namespace cvfs {
namespace {

constexpr mode_t kParentMode = 0711;
constexpr mode_t kTreeMode = 0700;
// Neither is a tenant's directory: a view cannot be mounted of them.
constexpr const char* kNewPrefix = ".new-";
constexpr const char* kRemovedPrefix = "removed-";
constexpr const char* kDoomedPrefix = ".purge-";

OperatorError system_error(const std::string& object, const std::string& what, int error,
                           const std::string& hint) {
  return {ExitCode::kSystem, printable(object), what + ": " + std::strerror(error), hint};
}

// Removed and made in a second: another number.
std::string time_now() {
  const std::time_t now = std::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%S", &local)};
}

Result<void> rename_within(int directory, const std::string& from, const std::string& to) {
  return succeeded(::renameat2(directory, from.c_str(), directory, to.c_str(), RENAME_NOREPLACE));
}

// An empty directory of the user's under a name of its own; one that an interrupted add left is
// taken away first.
Result<UniqueFd> make_new(int parent, const std::string& name, const User& user) {
  ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
  TRY(succeeded(::mkdirat(parent, name.c_str(), 0)));
  UniqueFd made = TRY(sys::open_name(parent, name.c_str(), O_RDONLY | O_DIRECTORY));
  TRY(succeeded(::fchown(made.get(), user.uid, user.gid)));
  TRY(succeeded(::fchmod(made.get(), kTreeMode)));
  TRY(succeeded(::fsync(made.get())));
  return made;
}

}  // namespace

Outcome<Containerdata> Containerdata::open(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) return Containerdata(path, std::move(directory));
  const int error = errno;
  if (error == ENOENT) {
    return refuse(printable(path), "the directory of all tenants does not exist",
                  "cvfs tenant add NAME, which makes it, or --containerdata DIR");
  }
  return refuse(printable(path), std::string("cannot be opened: ") + std::strerror(error),
                "--containerdata DIR, if the tenants are elsewhere");
}

Outcome<Containerdata> Containerdata::open_or_make(const std::string& path) {
  // The umask only takes bits away, and never those that are asked for.
  if (::mkdir(path.c_str(), kParentMode) == 0) {
    ::chmod(path.c_str(), kParentMode);
  } else if (errno != EEXIST) {
    const int error = errno;
    return refuse(printable(path), std::string("cannot be made: ") + std::strerror(error),
                  "mkdir -p -m 0711 " + printable(path));
  }
  return open(path);
}

std::string Containerdata::path_of(const std::string& tenant) const {
  return path_ + '/' + std::string(kTenantPrefix) + tenant;
}

mode_t Containerdata::mode() const {
  const auto status = sys::status_of(directory_.get());
  return status ? status->mode & sys::kPermissionBits : 0;
}

Outcome<void> Containerdata::check_safety() const {
  const auto status = sys::status_of(directory_.get());
  if (!status) return refuse(path_, "cannot look at it: " + reason(status.error()));
  const bool is_roots = status->uid == 0 && status->gid == 0;
  if (is_roots && (status->mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return refuse(printable(path_),
                is_roots ? "others than root may write here, and exchange a tenant's tree"
                         : "does not belong to root, who alone may put tenants there",
                "chown root:root " + printable(path_) + " && chmod 0711 " + printable(path_));
}

Outcome<void> Containerdata::lock() const {
  constexpr int kAttempts = 100;
  constexpr timespec kPause{0, 100'000'000};
  for (int i = 0; i < kAttempts; ++i) {
    if (::flock(directory_.get(), LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    ::nanosleep(&kPause, nullptr);
  }
  return refuse(
      OperatorError{ExitCode::kSystem, printable(path_), "another cvfs tenant is at work here",
                    "fuser -v " + printable(path_) + ", and once more when it has ended"});
}

Outcome<std::vector<std::string>> Containerdata::entries_with(const std::string& prefix) const {
  const int own = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(own < 0 ? nullptr : ::fdopendir(own),
                                                      ::closedir);
  if (!directory) return refuse(system_error(path_, "cannot be listed", errno, "ls " + path_));
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(prefix)) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Outcome<std::vector<std::string>> Containerdata::tenants() const {
  std::vector<std::string> names;
  for (const std::string& entry : TRY(entries_with(std::string(kTenantPrefix)))) {
    const std::string name = entry.substr(kTenantPrefix.size());
    if (is_tenant_name(name)) names.push_back(name);
  }
  return names;
}

// "removed-NAME-20260922T151500", and not those of the tenant NAME-x.
Outcome<std::vector<std::string>> Containerdata::removed(const std::string& tenant) const {
  const std::string prefix = kRemovedPrefix + tenant + '-';
  std::vector<std::string> names = TRY(entries_with(prefix));
  std::erase_if(names, [&](const std::string& name) {
    return name.find_first_not_of("0123456789T", prefix.size()) != std::string::npos;
  });
  return names;
}

Outcome<std::vector<std::string>> Containerdata::doomed(const std::string& tenant) const {
  std::vector<std::string> names;
  const std::string removed = std::string(kDoomedPrefix) + kRemovedPrefix + tenant + '-';
  for (std::string& name : TRY(entries_with(kDoomedPrefix))) {
    const bool is_tree = name == kDoomedPrefix + std::string(kTenantPrefix) + tenant;
    const bool is_removed =
        name.starts_with(removed) &&
        name.find_first_not_of("0123456789T", removed.size()) == std::string::npos;
    if (is_tree || is_removed) names.push_back(std::move(name));
  }
  return names;
}

Outcome<std::optional<sys::FileStatus>> Containerdata::status_of(const std::string& tenant) const {
  using Status = std::optional<sys::FileStatus>;
  const auto tree = open_tenant_tree(directory_, tenant);
  if (!tree && tree.error().value == ENOENT) return Status();
  if (!tree) return refuse(path_of(tenant), "cannot be opened: " + reason(tree.error()));
  const auto status = sys::status_of(tree->get());
  if (!status) return refuse(path_of(tenant), "cannot look at it: " + reason(status.error()));
  return Status(*status);
}

Outcome<void> Containerdata::make_tree(const User& user) const {
  const std::string name = kNewPrefix + user.name;
  const std::string entry = std::string(kTenantPrefix) + user.name;
  const auto made = make_new(directory_.get(), name, user);
  const auto renamed =
      made ? rename_within(directory_.get(), name, entry) : Result<void>(fail(made.error()));
  if (renamed && ::fsync(directory_.get()) == 0) return {};
  const int error = renamed ? errno : renamed.error().value;
  if (!renamed) ::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR);
  return refuse(system_error(path_of(user.name), "cannot be made", error,
                             "df " + path_ + "; mount | grep " + path_));
}

Outcome<std::string> Containerdata::put_aside(const std::string& tenant) const {
  const std::string name = kRemovedPrefix + tenant + '-' + time_now();
  const auto renamed = rename_within(directory_.get(), std::string(kTenantPrefix) + tenant, name);
  if (!renamed) {
    return refuse(system_error(path_of(tenant), "cannot be put aside", renamed.error().value,
                               "umount " + path_of(tenant) + ", if something is mounted there"));
  }
  return name;
}

Outcome<std::string> Containerdata::doom(const std::string& entry) const {
  const std::string name = kDoomedPrefix + entry;
  const auto renamed = rename_within(directory_.get(), entry, name);
  if (!renamed) {
    const std::string object = path_ + '/' + entry;
    const std::string hint = renamed.error().value == EPERM
                                 ? "chattr -i " + object
                                 : "umount what findmnt -R " + object + " shows";
    return refuse(system_error(object, "cannot be deleted", renamed.error().value, hint));
  }
  // From now on nobody else finds anything there by its path.
  const auto doomed = sys::open_name(directory_.get(), name.c_str(), O_RDONLY | O_DIRECTORY);
  const auto closed = doomed ? sys::change_owner(doomed->get(), 0, 0) : Result<void>();
  if (closed) return name;
  return refuse(system_error(path_ + '/' + name, "cannot be closed", closed.error().value,
                             "chattr -i " + path_ + '/' + name));
}

bool Containerdata::is_empty(const std::string& entry) const {
  const int fd =
      ::openat(directory_.get(), entry.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fd < 0 ? nullptr : ::fdopendir(fd),
                                                      ::closedir);
  if (!directory) return false;
  while (const dirent* found = ::readdir(directory.get())) {
    const std::string_view name = found->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

}  // namespace cvfs
