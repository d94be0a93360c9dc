#include "cli/explain.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/result.h"
#include "cli/fstab.h"
#include "control/printable.h"

namespace cvfs {
namespace {

constexpr unsigned kDacOverride = 1;  // linux/capability.h
constexpr unsigned kDacReadSearch = 2;

// ---- where it is ----

struct Place {
  RunningView view;
  MountEntry mount;
  std::string path;  // in the view
};

std::string normal(const std::string& path) {
  std::error_code error;
  std::string text = std::filesystem::absolute(path, error).lexically_normal();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::optional<MountEntry> view_mount(const std::vector<MountEntry>& mounts,
                                     const std::string& path) {
  const MountEntry* mount = mount_of_path(mounts, path);
  if (mount == nullptr || !mount->is_view()) return {};
  return *mount;
}

// A path on disk: where a view shows it.
std::string hint_for(const std::string& path, const std::vector<RunningView>& views) {
  const std::string tenant = tenant_of_source(path);
  for (const RunningView& view : views) {
    if (!tenant.empty() && view.source == tenant && view.is_mounted()) {
      const std::string tree = "/user-" + tenant;
      const std::size_t at = path.find(tree);
      return "cvfs explain " + view.targets.front() + path.substr(at + tree.size());
    }
  }
  return "a path on a view, as cvfs status shows them";
}

Outcome<Place> find_place(const ExplainOptions& options,
                          const std::optional<Container>& container) {
  const std::vector<RunningView> views = TRY(find_running_views());
  std::optional<MountEntry> mount;
  std::string path = options.path;
  if (container && path.starts_with('/')) mount = view_mount(container->mounts, normal(path));
  if (!mount) mount = view_mount(TRY(mounts_of_process(0)), normal(path));
  path = normal(path);
  if (!mount) {
    return refuse(
        printable(path),
        container ? "is on no view, neither in the container nor on the host" : "is on no view",
        printable(hint_for(path, views)));
  }
  const auto found = std::ranges::find(views, mount->minor, &RunningView::id);
  if (found == views.end()) {
    return refuse(printable(path), "its view cannot be found", "cvfs status");
  }
  return Place{*found, *mount, path_on_mount(*mount, path)};
}

// ---- who asks ----

Outcome<std::uint32_t> on_host(std::uint32_t id, const IdMap& map, const char* kind,
                               const std::string& whose) {
  if (const auto outside = map.to_outside(id)) return *outside;
  return refuse(OperatorError{ExitCode::kUsage, std::string("--") + kind + ' ' + std::to_string(id),
                              "nobody can have this id there: " + whose + " has " + map.text(),
                              "an id within that range, or more subordinate ids for it"});
}

void set_ids_of_process(Asker& asker, const Container& container) {
  asker.uid = container.uid;
  asker.gid = container.gid;
  asker.groups = container.groups;
  asker.overrides = (container.capabilities >> kDacOverride & 1) != 0;
  asker.reads = (container.capabilities >> kDacReadSearch & 1) != 0;
}

Outcome<Asker> find_asker(const ExplainOptions& options, const ExplainedView& view,
                          const std::optional<Container>& container) {
  Asker asker;
  if (container) {
    asker.uids = container->uids;
    asker.gids = container->gids;
  } else if (!options.host) {
    asker.uids = view.identity().userns().uids;
    asker.gids = view.identity().userns().gids;
  }
  if (container && !options.uid && !options.gid) {
    set_ids_of_process(asker, *container);
    return asker;
  }
  const std::string whose = container ? "the container" : options.host ? "the host" : "the view";
  asker.uid = TRY(on_host(options.uid.value_or(0), asker.uids, "uid", whose));
  asker.gid = TRY(on_host(options.gid.value_or(0), asker.gids, "gid", whose));
  asker.overrides = options.uid.value_or(0) == 0;
  return asker;
}

// ---- what they may do ----

Verdict on_the_way(const std::vector<ExplainedFile>& way, const Asker& asker,
                   const ExplainedView& view) {
  for (std::size_t i = 0; i + 1 < way.size(); ++i) {
    Verdict verdict = may_access(way[i].shown, asker, X_OK);
    if (verdict.is_allowed) continue;
    return {false,
            "the directory " + printable(view.host_path(way[i].path)) +
                " cannot be entered: " + verdict.why,
            Cause::kParent};
  }
  return {true, "", Cause::kNone};
}

Verdict with_mount(const MountEntry& mount, const ExplainedFile& file, int mask, Verdict verdict) {
  if (mask == W_OK && mount.has("ro")) {
    return {false, "the mount is read-only", Cause::kReadOnly};
  }
  if (mask == X_OK && !S_ISDIR(file.shown.mode) && mount.has("noexec")) {
    return {false, "the mount is noexec", Cause::kNoExec};
  }
  return verdict;
}

std::vector<Answer> answers_for(const Explanation& e) {
  const ExplainedFile& file = e.file();
  const bool is_directory = S_ISDIR(file.shown.mode);
  const Verdict way = on_the_way(e.way, e.asker, e.view);
  const auto answer = [&](const char* action, int mask) {
    if (!way.is_allowed) return Answer{action, way};
    return Answer{action, with_mount(e.mount, file, mask, may_access(file.shown, e.asker, mask))};
  };
  std::vector<Answer> answers = {answer(is_directory ? "list" : "read", R_OK),
                                 answer(is_directory ? "create" : "write", W_OK),
                                 answer(is_directory ? "enter" : "run", X_OK)};
  Verdict& create = answers[1].verdict;
  if (is_directory && create.is_allowed && !answers[2].verdict.is_allowed) {
    create = answers[2].verdict;
  }
  if (create.is_allowed && !e.has_container_id && is_directory) {
    create = {false,
              "it has no id in the view's maps that what it makes could belong to (EOVERFLOW)",
              Cause::kUnmapped};
  }
  if (e.way.size() < 2) return answers;
  Verdict remove = way;
  if (way.is_allowed) {
    const ExplainedFile& directory = e.way[e.way.size() - 2];
    remove = with_mount(e.mount, directory, W_OK, may_remove(directory.shown, file.shown, e.asker));
  }
  answers.push_back({"remove", remove});
  return answers;
}

// ---- what would change it ----

const ExplainedFile* first_closed(const Explanation& e) {
  for (std::size_t i = 0; i + 1 < e.way.size(); ++i) {
    if (!may_access(e.way[i].shown, e.asker, X_OK).is_allowed) return &e.way[i];
  }
  return nullptr;
}

// Bits that a file lacks: one command for all of them, as a second would take the first one's away.
struct MissingBits {
  const ExplainedFile* file;
  std::string bits;  // "rw"
};

void add_bits(std::vector<MissingBits>& missing, const ExplainedFile& file,
              const std::string& bits) {
  auto found = std::ranges::find(missing, &file, &MissingBits::file);
  if (found == missing.end()) found = missing.insert(missing.end(), {&file, ""});
  for (const char bit : bits) {
    if (found->bits.find(bit) == std::string::npos) found->bits += bit;
  }
}

// The kind of access that an ACL's entry has now is kept: it would be replaced.
std::string kept_bits(const Explanation& e, const ExplainedFile& file, const std::string& bits) {
  std::string kept;
  for (const auto& [bit, mask] : {std::pair{'r', R_OK}, {'w', W_OK}, {'x', X_OK}}) {
    const bool has = may_access(file.shown, e.asker, mask).is_allowed;
    if (has || bits.find(bit) != std::string::npos) kept += bit;
  }
  return kept;
}

std::string change_of_bits(const Explanation& e, const MissingBits& missing) {
  const std::string path = printable(e.view.host_path(missing.file->path));
  if (e.asker.is_under_caller) return "chmod u+" + missing.bits + ' ' + path;
  if (e.asker.uid == missing.file->shown.uid) return "chmod u+" + missing.bits + ' ' + path;
  return "setfacl -m u:" + std::to_string(e.asker.uid) + ':' +
         kept_bits(e, *missing.file, missing.bits) + ' ' + path;
}

std::string change_of_unmapped(const Explanation& e) {
  const Identity& identity = e.view.identity();
  const auto uid = identity.stored(HostUid{e.asker.uid});
  const auto gid = identity.stored(HostGid{e.asker.gid});
  if (!e.has_container_id || !uid || !gid) {
    return "run it as an id of the view's map, " + identity.userns().uids.text() +
           ", or mount a view with the map that it has";
  }
  return "chown " + std::to_string(uid->value) + ':' + std::to_string(gid->value) + ' ' +
         printable(e.view.disk_path(e.file().path)) + " (on disk)";
}

std::string change_of_mount(const Explanation& e, const std::string& option) {
  const bool is_bind = e.container && e.mount.options.find(option) != std::string::npos;
  if (is_bind && option == "ro") return "start the container without :ro on " + e.mount.target;
  return "umount " + e.view.host_path("/") + ", and mount it without " + option;
}

// Of a verdict that bits do not decide.
std::string other_change(const Explanation& e, const Answer& answer) {
  switch (answer.verdict.cause) {
    case Cause::kUnmapped:
      return change_of_unmapped(e);
    case Cause::kReadOnly:
      return change_of_mount(e, "ro");
    case Cause::kNoExec:
      return change_of_mount(e, "noexec");
    case Cause::kFlags:
      return "chattr -i -a " + printable(e.view.disk_path(e.file().path)) + " (on disk)";
    case Cause::kSticky:
      return "chmod -t " + printable(e.view.host_path(e.way[e.way.size() - 2].path));
    default:
      return "";
  }
}

void add_missing_bits(const Explanation& e, const Answer& answer,
                      std::vector<MissingBits>& missing) {
  const std::string& action = answer.action;
  if (answer.verdict.cause == Cause::kParent) return add_bits(missing, *first_closed(e), "x");
  if (answer.verdict.cause != Cause::kBits || action == "run") return;  // few are meant to be run
  if (action == "remove") return add_bits(missing, e.way[e.way.size() - 2], "wx");
  if (action == "create") return add_bits(missing, e.file(), "wx");
  add_bits(missing, e.file(), action == "enter" ? "x" : action == "write" ? "w" : "r");
}

bool would_owner_help(const Explanation& e) {
  const bool can_own = e.has_container_id && !e.asker.is_under_caller;
  if (!can_own || e.file().shown.uid == e.asker.uid) return false;
  return std::ranges::any_of(e.answers, [](const Answer& answer) {
    return answer.verdict.cause == Cause::kBits && answer.action != "remove" &&
           answer.action != "run";
  });
}

std::vector<std::string> changes_for(const Explanation& e) {
  std::vector<MissingBits> missing;
  std::vector<std::string> changes;
  for (const Answer& answer : e.answers) {
    add_missing_bits(e, answer, missing);
    const std::string change = other_change(e, answer);
    const bool is_new = std::ranges::find(changes, change) == changes.end();
    if (!change.empty() && is_new) changes.push_back(change);
  }
  for (const MissingBits& bits : missing) changes.push_back(change_of_bits(e, bits));
  if (would_owner_help(e)) {
    changes.push_back("chown " + std::to_string(e.asker.uid) + ' ' +
                      printable(e.view.host_path(e.file().path)) + " (makes it the owner)");
  }
  return changes;
}

std::vector<std::string> notes_for(const Explanation& e) {
  std::vector<std::string> notes;
  const UserNamespaceMap& userns = e.view.identity().userns();
  if (!e.file().note.empty()) notes.push_back(e.file().note);
  if (e.container && !(e.container->uids == userns.uids && e.container->gids == userns.gids)) {
    notes.push_back("the container's map is " + e.container->uids.text() + ", the view's " +
                    userns.uids.text() + " (" + userns.origin +
                    "): ids mean different people on the two");
  }
  if (!e.has_container_id) {
    notes.emplace_back("who asks has no id in the view's maps: it is a stranger there");
  }
  const bool has_setid =
      (e.file().shown.mode & (S_ISUID | S_ISGID)) != 0 && !S_ISDIR(e.file().shown.mode);
  if (has_setid && e.mount.has("nosuid")) {
    notes.emplace_back("its setuid or setgid bit has no effect: the mount is nosuid");
  }
  return notes;
}

}  // namespace

Outcome<Explanation> explain(const ExplainOptions& options) {
  std::optional<Container> container;
  if (!options.container.empty()) container = TRY(find_container(options.container));
  Place place = TRY(find_place(options, container));
  ExplainedView view = TRY(ExplainedView::ask(place.view));
  Asker asker = TRY(find_asker(options, view, container));
  std::vector<ExplainedFile> way = TRY(view.walk(place.mount.root, place.path));
  const Identity& identity = view.identity();
  const bool has_container_id =
      identity.container(HostUid{asker.uid}) && identity.container(HostGid{asker.gid});
  asker.is_under_caller = view.owner() == "caller";
  asker.owns_everything = asker.is_under_caller && has_container_id;
  Explanation explanation{std::move(view),
                          std::move(place.mount),
                          std::move(container),
                          std::move(way),
                          std::move(asker),
                          has_container_id,
                          {},
                          {},
                          {}};
  explanation.answers = answers_for(explanation);
  explanation.changes = changes_for(explanation);
  explanation.notes = notes_for(explanation);
  return explanation;
}

}  // namespace cvfs
