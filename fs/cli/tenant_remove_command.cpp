// cvfs tenant remove NAME [--purge] [--mountpoint DIR] [--containerdata DIR] [--json]
#include <memory>

#include "base/result.h"
#include "cli/mountpoint.h"
#include "cli/purge.h"
#include "cli/subcommand.h"
#include "cli/tenant.h"
#include "control/control_message.h"
#include "control/printable.h"
#include "control/tenant_name.h"

namespace cvfs {
namespace {

struct RemoveOptions {
  std::string name;
  std::string mountpoint;
  std::string containerdata;
  bool purge = false;
  bool json = false;
};

struct Removed {
  std::string kept_as;  // empty: there was nothing in it, and it is gone
  std::vector<std::string> purged;
  std::uint64_t entries = 0;
};

Outcome<void> check_unused(const Tenant& tenant) {
  if (tenant.views.empty()) return {};
  const std::string target = printable(tenant.views.front().targets.front());
  return refuse(tenant.name, "a view of it is mounted on " + target,
                "docker ps --filter volume=" + target + "; umount " + target);
}

Outcome<void> check_typed(const RemoveOptions& options, const std::vector<std::string>& trees,
                          const Console& console) {
  for (const std::string& tree : trees) {
    console.err << "cvfs: will delete " << printable(options.containerdata + '/' + tree) << '\n';
  }
  console.err << "Type the tenant's name again: " << std::flush;
  std::string typed;
  std::getline(console.in, typed);
  if (typed == options.name) return {};
  return refuse(OperatorError{
      ExitCode::kUsage, options.name,
      typed.empty() ? "nothing is deleted: its name was not typed again"
                    : "nothing is deleted: '" + printable(typed) + "' was typed, not its name",
      "cvfs tenant remove " + options.name + ", which keeps the data"});
}

// Its tree, and what was put aside or half deleted before.
Outcome<Removed> purge_all(const RemoveOptions& options, const Containerdata& containerdata,
                           const Console& console) {
  std::vector<std::string> trees = TRY(containerdata.removed(options.name));
  if (TRY(containerdata.status_of(options.name))) {
    trees.insert(trees.begin(), std::string(kTenantPrefix) + options.name);
  }
  const std::vector<std::string> doomed = TRY(containerdata.doomed(options.name));
  if (trees.empty() && doomed.empty()) {
    return refuse(containerdata.path_of(options.name), "no such tenant, and nothing is left of it",
                  "cvfs tenant list");
  }
  std::vector<std::string> all = trees;
  all.insert(all.end(), doomed.begin(), doomed.end());
  TRY(check_typed(options, all, console));
  const auto remove = [&](const std::string& name) {
    return purge(containerdata.fd(), name, containerdata.path() + '/' + name);
  };
  Removed removed;
  // What a purge before this one has left comes first: its names are free then.
  for (const std::string& name : doomed) removed.entries += TRY(remove(name));
  for (const std::string& tree : trees)
    removed.entries += TRY(remove(TRY(containerdata.doom(tree))));
  removed.purged = std::move(all);
  return removed;
}

Outcome<Removed> put_aside(const RemoveOptions& options, const Containerdata& containerdata) {
  TRY(find_tenant(containerdata, options.name));
  Removed removed;
  removed.kept_as = TRY(containerdata.put_aside(options.name));
  if (!containerdata.is_empty(removed.kept_as)) return removed;
  TRY(purge(containerdata.fd(), removed.kept_as, containerdata.path() + '/' + removed.kept_as));
  removed.kept_as.clear();
  return removed;
}

Outcome<void> check_removable(const RemoveOptions& options, const Containerdata& containerdata) {
  TRY(containerdata.check_safety());
  TRY(containerdata.lock());
  if (!TRY(containerdata.status_of(options.name))) return {};
  return check_unused(TRY(find_tenant(containerdata, options.name)));
}

Outcome<Removed> remove(RemoveOptions& options, const Console& console) {
  TRY(check_tenant_command(options.name));
  options.containerdata = TRY(containerdata_path(options.containerdata));
  const Containerdata containerdata = TRY(Containerdata::open(options.containerdata));
  TRY(check_removable(options, containerdata));
  Removed removed = options.purge ? TRY(purge_all(options, containerdata, console))
                                  : TRY(put_aside(options, containerdata));
  if (!options.mountpoint.empty()) TRY(remove_mountpoint(options.mountpoint));
  return removed;
}

void print_text(const Console& console, const RemoveOptions& options, const Removed& removed) {
  if (options.purge) {
    console.out << options.name << ": deleted, with " << removed.entries << " entries\n";
  } else if (removed.kept_as.empty()) {
    console.out << options.name << ": removed; there was no data\n";
  } else {
    const std::string kept = options.containerdata + '/' + removed.kept_as;
    console.out << options.name << ": removed; its data is kept in " << printable(kept) << '\n'
                << "  to undo: mv " << printable(kept) << ' ' << printable(options.containerdata)
                << '/' << kTenantPrefix << options.name << '\n'
                << "  to delete it: cvfs tenant remove " << options.name << " --purge\n";
  }
  console.out << std::flush;
  for (const FstabLine& line : read_fstab()) {
    if (!line.is_view() || tenant_of_source(line.source) != options.name) continue;
    console.print_note("/etc/fstab still has a line for " + printable(line.target));
  }
  console.print_note("the user and its subordinate ids are left; userdel " + options.name +
                     " takes both");
}

void print_json(const Console& console, const RemoveOptions& options, const Removed& removed) {
  Json json = {{"name", options.name}, {"purged", removed.purged}, {"entries", removed.entries}};
  json["kept"] =
      removed.kept_as.empty() ? Json() : Json(options.containerdata + '/' + removed.kept_as);
  console.out << to_indented_text(json) << std::endl;
}

int run(RemoveOptions options, const Console& console) {
  const auto removed = remove(options, console);
  if (!removed) {
    console.print_error(removed.error());
    return exit_code(removed.error().code);
  }
  if (options.json) {
    print_json(console, options, *removed);
  } else {
    print_text(console, options, *removed);
  }
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_tenant_remove_command(CLI::App& tenant, Action& chosen) {
  auto options = std::make_shared<RemoveOptions>();
  CLI::App* command = tenant.add_subcommand("remove", "put a tenant's tree aside, or delete it");
  command->add_option("NAME", options->name, "a tenant")->required();
  command->add_flag("--purge", options->purge,
                    "delete the data, also what was put aside before; asks for the name again");
  command->add_option("--mountpoint", options->mountpoint,
                      "remove this empty mount point, too, which tenant add has made");
  command->add_option("--containerdata", options->containerdata, kContainerdataHelp);
  command->add_flag("--json", options->json, "an object");
  command->footer(
      "Without --purge nothing is deleted: user-NAME becomes removed-NAME-TIME, of which no view\n"
      "can be mounted. The user and its subordinate ids stay: they are on the files.\n"
      "Exit code 32: no such tenant, or a view of it is mounted.\n\n"
      "Examples:\n"
      "  cvfs tenant remove toto\n"
      "  echo toto | cvfs tenant remove toto --purge --mountpoint /srv/toto");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return run(*options, console); };
  });
}

}  // namespace cvfs
