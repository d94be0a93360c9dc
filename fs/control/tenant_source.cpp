#include "control/tenant_source.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "control/printable.h"
#include "control/tenant_name.h"
#include "sys/file.h"
#include "sys/mounts.h"

namespace cvfs {
namespace {

// What was asked for, from the text alone.
struct Request {
  std::string tenant;
  std::string path;  // normalised, "/" at least
};

// ---- the words of the spec ----

// "/var//log/./" -> "/var/log". Nothing where a component is "..": what it leads to depends on the
// symlinks before it, and somebody may change those.
std::optional<std::string> normalised(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(component.size() + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") return {};
    result.append("/").append(component);
  }
  return result.empty() ? "/" : result;
}

bool has_control_character(std::string_view text) {
  return printable(text) != text;
}

Outcome<Request> make_request(std::string_view spec, std::string_view name, std::string_view path) {
  if (!is_tenant_name(name)) {
    return refuse(printable(spec), "'" + printable(name) + "' is not a tenant's name",
                  "NAME, NAME:/PATH or a path below containerdata=, as in toto:/data");
  }
  auto below = normalised(path);
  if (!below) {
    return refuse(printable(spec), "a source must not contain '..'",
                  "the path without it, as in toto:/data");
  }
  return Request{std::string(name), std::move(*below)};
}

// "/containerdata/user-toto/data" with containerdata=/containerdata.
Outcome<Request> parse_path(std::string_view spec, std::string containerdata) {
  while (containerdata.ends_with('/')) containerdata.pop_back();
  std::string_view rest = spec;
  if (rest.starts_with(containerdata) && rest.substr(containerdata.size()).starts_with('/')) {
    rest.remove_prefix(containerdata.size());
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    if (rest.starts_with(kTenantPrefix)) {
      rest.remove_prefix(kTenantPrefix.size());
      const auto name = rest.substr(0, rest.find('/'));
      return make_request(spec, name, rest.substr(name.size()));
    }
  }
  return refuse(printable(spec), "not below " + printable(containerdata) + "/user-NAME",
                "NAME:/PATH, or containerdata=DIR if the tenants' directories are elsewhere");
}

Outcome<Request> parse_spec(std::string_view spec, const std::string& containerdata) {
  if (spec.empty()) {
    return refuse("source", "is empty", "NAME, NAME:/PATH or a path below containerdata=");
  }
  // A line break or an escape sequence in a log line or in /proc/self/mounts helps nobody.
  if (has_control_character(spec)) {
    return refuse(printable(spec), "contains a control character", "a path without it");
  }
  if (spec.starts_with('/')) return parse_path(spec, containerdata);
  const auto name = spec.substr(0, spec.find(':'));
  if (name.size() == spec.size()) return make_request(spec, name, "/");
  const auto path = spec.substr(name.size() + 1);
  if (!path.starts_with('/')) {
    return refuse(printable(spec), "the path after ':' must begin with '/'",
                  printable(name) + ":/" + printable(path));
  }
  return make_request(spec, name, path);
}

// ---- the tenant's directory ----

Outcome<UniqueFd> open_containerdata(const std::string& containerdata) {
  UniqueFd fd(::open(containerdata.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (fd) return fd;
  const int error = errno;
  return refuse(printable(containerdata),
                error == ENOENT
                    ? "the directory of all tenants does not exist"
                    : "cannot open the directory of all tenants: " + reason(Errno{error}),
                "mkdir -m 0711 " + printable(containerdata) + ", or -o containerdata=DIR");
}

Outcome<void> check_tenant(const sys::FileStatus& status, const std::string& object,
                           const std::string& name) {
  if (status.is_symlink()) {
    return refuse(object, "is a symlink, not the tenant's directory",
                  "a directory in its place, or a bind mount");
  }
  if (!status.is_directory()) {
    return refuse(object, "is not a directory",
                  "install -d -m 0700 -o " + name + " -g " + name + " " + object);
  }
  if (status.uid == 0) {
    return refuse(object, "belongs to root, and a tenant must be a user of its own",
                  "chown " + name + ": " + object);
  }
  return {};
}

struct Tenant {
  UniqueFd root;
  sys::FileStatus status;
};

Outcome<Tenant> open_tenant(const std::string& name, const std::string& containerdata) {
  const UniqueFd parent = TRY(open_containerdata(containerdata));
  const std::string entry = std::string(kTenantPrefix) + name;
  const std::string object = printable(containerdata) + "/" + entry;
  auto root = open_tenant_tree(parent, name);
  if (!root && root.error().value == ENOENT) {
    return refuse(object, "no such tenant",
                  "install -d -m 0700 -o " + name + " -g " + name + " " + object);
  }
  if (!root) return refuse(object, "cannot open the tenant's directory: " + reason(root.error()));
  const auto status = sys::status_of(root->get());
  if (!status) return refuse(object, "cannot look at it: " + reason(status.error()));
  TRY(check_tenant(*status, object, name));
  return Tenant{std::move(*root), *status};
}

// ---- the directory in it ----

tl::unexpected<OperatorError> refuse_directory(const std::string& object, Errno error) {
  switch (error.value) {
    case ENOENT:
      return refuse(object, "no such directory in the tenant's tree",
                    "create it as the tenant, or check the spelling");
    case ENOTDIR:
      return refuse(object, "is not a directory", "the directory that holds it");
    case EXDEV:
      return refuse(object, "leads out of the tenant's tree",
                    "the directory's real path, without the symlink that climbs out");
    case ELOOP:
      return refuse(object, "passes a magic link or too many symlinks",
                    "the directory's real path, without symlinks");
    default:
      return refuse(object, "cannot open the directory: " + reason(error));
  }
}

// EAGAIN: something was renamed while the kernel resolved the path (openat2(2)). A tenant who keeps
// renaming must not keep us here.
Result<UniqueFd> open_directory(const UniqueFd& tenant_root, const std::string& path) {
  constexpr int kAttempts = 32;
  const std::string relative = path == "/" ? "." : path.substr(1);
  auto opened = sys::open_beneath(tenant_root.get(), relative.c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 1; i < kAttempts && !opened && opened.error().value == EAGAIN; ++i) {
    opened = sys::open_beneath(tenant_root.get(), relative.c_str(), O_RDONLY | O_DIRECTORY);
  }
  return opened;
}

// What a view is mounted over, instead of the view: a view of a view would translate twice.
Result<UniqueFd> open_below_views(const UniqueFd& tenant_root, const std::string& path) {
  const UniqueFd below = TRY(sys::copy_of_mount(tenant_root.get()));
  return open_directory(below, path);
}

}  // namespace

// A copy of the mount that the directory lies on does not have the view on top. A directory that is
// a mount of its own below its view cannot be reached so: then what the copy has in its place is
// not the tenant's.
Result<UniqueFd> open_tenant_tree(const UniqueFd& containerdata, const std::string& name) {
  const std::string entry = std::string(kTenantPrefix) + name;
  UniqueFd seen = TRY(sys::open_name(containerdata.get(), entry.c_str(), O_PATH));
  if (!sys::is_view(seen.get())) return seen;
  const UniqueFd below = TRY(sys::copy_of_mount(containerdata.get()));
  return UniqueFd(TRY(sys::open_name(below.get(), entry.c_str(), O_PATH)));
}

Outcome<TenantSource> open_tenant_source(std::string_view spec, const std::string& containerdata) {
  Request request = TRY(parse_spec(spec, containerdata));
  std::string name = request.path == "/" ? request.tenant : request.tenant + ":" + request.path;
  Tenant tenant = TRY(open_tenant(request.tenant, containerdata));
  auto directory = open_directory(tenant.root, request.path);
  if (directory && sys::is_view(directory->get())) {
    directory = open_below_views(tenant.root, request.path);
  }
  if (!directory) return refuse_directory(name, directory.error());
  return TenantSource{.tenant = std::move(request.tenant),
                      .path = std::move(request.path),
                      .name = std::move(name),
                      .owner_uid = tenant.status.uid,
                      .owner_gid = tenant.status.gid,
                      .tenant_root = std::move(tenant.root),
                      .directory = std::move(*directory)};
}

}  // namespace cvfs
