#include "cli/explained_view.h"

#include <sys/stat.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "base/result.h"
#include "cli/field.h"
#include "cli/view_answers.h"
#include "control/printable.h"
#include "control/tenant_name.h"
#include "control/tenant_source.h"
#include "control/view_name.h"
#include "idmap/override_stat.h"
#include "idmap/xattr_ids.h"
#include "sys/inode_flags.h"
#include "sys/xattr.h"

namespace cvfs {
namespace {

constexpr const char* kClaimMarker = "trusted.cvfs.unclaimed";
constexpr mode_t kSetid = S_ISUID | S_ISGID;

std::string string_at(const Json& status, FieldPath path) {
  const Json* value = field(status, path);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

Outcome<std::unique_ptr<Identity>> identity_of(const Json& status, const std::string& name) {
  const auto map = [&](const char* kind, const char* ids) {
    return parse_id_map(string_at(status, {"maps", kind, ids}), name + ", its map of " + ids);
  };
  if (field(status, {"maps"}) == nullptr) {
    return refuse(name, "does not say what its maps are: it is served by an older build",
                  "cvfs upgrade " + name);
  }
  UserNamespaceMap userns{TRY(map("userns", "uids")), TRY(map("userns", "gids")),
                          string_at(status, {"userns"})};
  StoreMap store{TRY(map("store", "uids")), TRY(map("store", "gids"))};
  return std::make_unique<Identity>(std::move(userns), std::move(store));
}

std::vector<std::byte> xattr_of(const UniqueFd& file, const char* name) {
  constexpr std::size_t kMost = 65536;
  std::vector<std::byte> bytes(kMost);
  const auto size = sys::get_xattr(file.get(), name, bytes);
  bytes.resize(size ? *size : 0);
  return bytes;
}

bool has_xattr(const UniqueFd& file, const char* name) {
  return sys::get_xattr(file.get(), name, {}).has_value();
}

// Only regular files and directories: to open a pipe is to wait for its other end.
void look_at_flags(const UniqueFd& file, ExplainedFile& explained) {
  if (!explained.on_disk.is_regular() && !explained.on_disk.is_directory()) return;
  const auto opened = sys::reopen(file.get(), O_RDONLY | O_NONBLOCK);
  if (!opened) return;
  const auto flags = sys::inode_flags(opened->get());
  if (!flags) return;
  explained.shown.is_immutable = (*flags & FS_IMMUTABLE_FL) != 0;
  explained.shown.is_append_only = (*flags & FS_APPEND_FL) != 0;
}

tl::unexpected<OperatorError> refuse_component(const std::string& path, Errno error) {
  const std::string parent = std::filesystem::path(path).parent_path();
  if (error.value == ENOENT) {
    return refuse(printable(path), "there is no such file",
                  "cvfs explain " + printable(parent) + ", to see who may make it");
  }
  if (error.value == ENOTDIR) {
    return refuse(printable(parent), "is not a directory", "cvfs explain " + printable(parent));
  }
  return refuse(printable(path), std::string("cannot be looked at: ") + std::strerror(error.value));
}

}  // namespace

Outcome<ExplainedView> ExplainedView::ask(const RunningView& view) {
  const ViewAnswer answer = cvfs::ask(view, ControlCommand{ControlVerb::kStatus, ""});
  if (!answer.reply) return refuse(answer.reply.error());
  const Json* status = field(*answer.reply, {"view"});
  const std::string name = name_of(view);
  if (status == nullptr) return refuse(name, "says nothing of itself", "cvfs upgrade " + name);
  ExplainedView explained;
  explained.view_ = view;
  explained.identity_ = TRY(identity_of(*status, name));
  explained.owner_ = string_at(*status, {"owner"});
  const std::string containerdata = string_at(*status, {"containerdata"});
  TenantSource source = TRY(open_tenant_source(string_at(*status, {"source"}), containerdata));
  explained.disk_root_ = containerdata + '/' + std::string(kTenantPrefix) + source.tenant +
                         (source.path == "/" ? "" : source.path);
  explained.source_ = std::move(source.directory);
  return explained;
}

std::string ExplainedView::disk_path(const std::string& path) const {
  return path == "/" ? disk_root_ : disk_root_ + path;
}

std::string ExplainedView::host_path(const std::string& path) const {
  if (!view_.is_mounted()) return disk_path(path);
  return path == "/" ? view_.targets.front() : view_.targets.front() + path;
}

void ExplainedView::show_virtual(const UniqueFd& file, ExplainedFile& explained) const {
  const bool has_user_xattrs = explained.on_disk.is_regular() || explained.on_disk.is_directory();
  const std::string prefix = has_user_xattrs ? "user." : "trusted.";
  const std::string name =
      has_user_xattrs ? "user.containers.override_stat" : "trusted.cvfs.override_stat";
  const std::vector<std::byte> bytes = xattr_of(file, name.c_str());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  OverrideStat values{ContainerUid{0}, ContainerGid{0}, explained.on_disk.mode};
  if (const auto parsed = parse_override_stat(text, explained.on_disk.mode)) {
    values = *parsed;
    explained.note = "its owner and mode are in the xattr " + name;
  } else {
    explained.note = "it has no xattr of its own: it is container root's, with the mode on disk";
  }
  explained.shown.uid = identity_->shown(values.uid).value;
  explained.shown.gid = identity_->shown(values.gid).value;
  explained.shown.mode = values.mode;
  std::vector<std::byte> acl = xattr_of(file, (prefix + "cvfs.posix_acl_access").c_str());
  if (translate_acl_from_container(acl, *identity_)) explained.shown.acl = parse_acl(acl);
}

void ExplainedView::show(const UniqueFd& file, ExplainedFile& explained) const {
  const sys::FileStatus& on_disk = explained.on_disk;
  ShownFile& shown = explained.shown;
  shown.mode = on_disk.mode;
  if (owner_ == "map") {
    shown.uid = identity_->shown(StoredUid{on_disk.uid}).value;
    shown.gid = identity_->shown(StoredGid{on_disk.gid}).value;
    std::vector<std::byte> acl = xattr_of(file, "system.posix_acl_access");
    if (translate_acl_to_shown(acl, *identity_)) shown.acl = parse_acl(acl);
    return;
  }
  if (on_disk.uid != *identity_->store().uids.to_outside(0)) {
    shown.uid = shown.gid = kUnmappedId;
    explained.note = "on disk it is not the tenant's, so the view shows it as nobody's";
    return;
  }
  if (owner_ == "virtual") return show_virtual(file, explained);
  shown.uid = identity_->shown(ContainerUid{0}).value;
  shown.gid = identity_->shown(ContainerGid{0}).value;
  shown.mode &= ~(on_disk.is_directory() ? mode_t{S_ISVTX} : kSetid);
  explained.note = "owner=caller: whoever asks in a container is its owner";
}

Outcome<ExplainedFile> ExplainedView::look(const UniqueFd& file, const std::string& path) const {
  const auto status = sys::status_of(file.get());
  if (!status) return refuse_component(host_path(path), status.error());
  ExplainedFile explained;
  explained.path = path;
  explained.on_disk = *status;
  show(file, explained);
  look_at_flags(file, explained);
  if (owner_ != "caller" && status->is_directory() && has_xattr(file, kClaimMarker)) {
    explained.shown.is_unclaimed = true;
    explained.shown.mode |= S_IRWXU | S_IRWXG | S_IRWXO;
    explained.note =
        "it is a fresh volume: anybody may write there, and the first who makes an entry owns it";
  }
  return explained;
}

Outcome<std::vector<ExplainedFile>> ExplainedView::walk(const std::string& from,
                                                        const std::string& path) const {
  auto at = sys::open_name(source_.get(), ".", O_PATH | O_DIRECTORY);
  if (!at) return refuse_component(host_path("/"), at.error());
  std::vector<ExplainedFile> way;
  std::string walked = "/";
  if (from == "/") way.push_back(TRY(look(*at, walked)));
  for (const std::filesystem::path& part : std::filesystem::path(path).relative_path()) {
    if (walked != "/") walked += '/';
    walked += part.string();
    at = sys::open_name(at->get(), part.c_str(), O_PATH);
    if (!at) return refuse_component(host_path(walked), at.error());
    if (walked.size() >= from.size()) way.push_back(TRY(look(*at, walked)));
    const auto status = sys::status_of(at->get());
    if (!status || !status->is_symlink()) continue;
    const std::string target = sys::read_link(at->get()).value_or("?");
    return refuse(printable(host_path(walked)),
                  "is a symlink to " + printable(target) +
                      ", which leads where the process that follows it is",
                  "cvfs explain the path that it stands for");
  }
  return way;
}

}  // namespace cvfs
