// cvfs tenant add NAME [--mountpoint DIR] [--no-subids] [--containerdata DIR] [--json]
#include <memory>

#include "base/result.h"
#include "cli/mountpoint.h"
#include "cli/subcommand.h"
#include "cli/table.h"
#include "cli/tenant.h"
#include "cli/tenant_ids.h"
#include "control/control_message.h"
#include "control/printable.h"

namespace cvfs {
namespace {

struct AddOptions {
  std::string name;
  std::string mountpoint;
  std::string containerdata;
  bool no_subids = false;
  bool json = false;
};

struct Added {
  std::string path;
  bool tree_is_new = false;
  User user;
  GivenIds given;
  std::optional<Mountpoint> mountpoint;
  std::vector<std::string> notes;
};

Outcome<User> find_tenants_user(const std::string& name) {
  const User user = TRY(find_user(name));
  if (!user.is_known) {
    return refuse(name, "no such user, and a tenant is a user of this machine",
                  "useradd --system --no-create-home --shell /usr/sbin/nologin " + name);
  }
  if (user.uid == 0 || user.gid == 0) {
    return refuse(name,
                  user.uid == 0 ? "is root, and a tenant must be a user of its own"
                                : "has root's group, and so would what containers make",
                  "another user, or usermod --gid GROUP " + name);
  }
  return user;
}

// A tree that is there stays as it is, whoever may read it: it may be in use.
Outcome<void> check_tree(const sys::FileStatus& tree, const User& user, Added& added) {
  if (!tree.is_directory()) {
    return refuse(
        added.path,
        tree.is_symlink() ? "is a symlink, not the tenant's directory" : "is not a directory",
        "mv " + added.path + " ELSEWHERE, and once more");
  }
  if (tree.uid != user.uid || tree.gid != user.gid) {
    return refuse(added.path,
                  "is there, and belongs to " + std::to_string(tree.uid) + ':' +
                      std::to_string(tree.gid) + ", not to " + user.name + " (" +
                      std::to_string(user.uid) + ':' + std::to_string(user.gid) + ')',
                  "chown " + user.name + ": " + added.path + ", if it is meant to be its own");
  }
  if ((tree.mode & (S_IRWXG | S_IRWXO)) != 0) {
    added.notes.push_back(added.path + " has the mode " + mode_text(tree.mode) +
                          ": other users of the host may enter it; chmod 0700 " + added.path);
  }
  return {};
}

void note_parent(const Containerdata& containerdata, Added& added) {
  const mode_t mode = containerdata.mode();
  if (mode == 0711 || mode == 0700) return;
  added.notes.push_back(containerdata.path() + " has the mode " + mode_text(mode) +
                        ": everybody can list the tenants; chmod 0711 " + containerdata.path());
}

Outcome<void> add_mountpoint(const std::string& path, Added& added) {
  if (path.empty()) return {};
  added.mountpoint = TRY(protect_mountpoint(path));
  if (added.mountpoint->is_immutable) return {};
  added.notes.push_back(added.mountpoint->path + ": its filesystem knows no immutable " +
                        "directories; root's processes could write there while nothing is "
                        "mounted");
  return {};
}

Outcome<GivenIds> add_ids(const AddOptions& options, const User& user) {
  if (!options.no_subids) return give_subordinate_ids(user);
  GivenIds given;
  given.ids = TRY(read_subordinate_ids(options.name, user.uid));
  return given;
}

Outcome<User> user_of(const std::string& name) {
  TRY(check_tenant_command(name));
  return find_tenants_user(name);
}

// Nobody else changes it then.
Outcome<Containerdata> take(const std::string& path) {
  Containerdata containerdata = TRY(Containerdata::open_or_make(path));
  TRY(containerdata.check_safety());
  TRY(containerdata.lock());
  return containerdata;
}

// In this order: a tenant is one as soon as its tree is there, and what was done before can be done
// again.
Outcome<Added> add(const AddOptions& options) {
  Added added;
  added.user = TRY(user_of(options.name));
  const Containerdata containerdata = TRY(take(TRY(containerdata_path(options.containerdata))));
  note_parent(containerdata, added);
  added.path = containerdata.path_of(options.name);
  const auto tree = TRY(containerdata.status_of(options.name));
  if (tree) TRY(check_tree(*tree, added.user, added));
  TRY(add_mountpoint(options.mountpoint, added));
  added.given = TRY(add_ids(options, added.user));
  if (!tree) TRY(containerdata.make_tree(added.user));
  added.tree_is_new = !tree;
  return added;
}

std::string ids_text(const GivenIds& given) {
  const std::string uids = text_of(given.ids.uids);
  const std::string gids = text_of(given.ids.gids);
  std::string text = uids == gids ? uids : "uids " + uids + ", gids " + gids;
  if (given.are_new) return text + " (new)";
  return given.ids.complete() ? text : text + ": owner=virtual";
}

std::string mountpoint_text(const Mountpoint& mountpoint) {
  return printable(mountpoint.path) + " (mode 0000" +
         (mountpoint.is_immutable ? ", immutable)" : ")");
}

void print_text(const Console& console, const AddOptions& options, const Added& added) {
  std::vector<std::vector<std::string>> rows = {
      {"user", added.user.name + " (" + std::to_string(added.user.uid) + ':' +
                   std::to_string(added.user.gid) + ')'},
      {"tree", added.path + (added.tree_is_new ? " (new)" : " (was there)")},
      {"subordinate ids", ids_text(added.given)}};
  if (added.mountpoint) rows.push_back({"mount point", mountpoint_text(*added.mountpoint)});
  console.out << options.name << '\n';
  print_table(console.out, rows, "  ");
  const std::string target = added.mountpoint ? added.mountpoint->path : "DIR";
  const std::string where =
      options.containerdata.empty() ? "" : " -o containerdata=" + options.containerdata;
  console.out << "  next: mount -t cvfs " << options.name << ":/ " << printable(target) << where
              << std::endl;
}

void print_json(const Console& console, const AddOptions& options, const Added& added) {
  Json json = {{"name", options.name},
               {"path", added.path},
               {"is_new", added.tree_is_new},
               {"uid", added.user.uid},
               {"gid", added.user.gid},
               {"subuids", to_json(added.given.ids.uids)},
               {"subgids", to_json(added.given.ids.gids)},
               {"ids_are_new", added.given.are_new},
               {"notes", added.notes}};
  if (added.mountpoint) {
    json["mountpoint"] = {{"path", added.mountpoint->path},
                          {"is_new", added.mountpoint->was_made},
                          {"immutable", added.mountpoint->is_immutable}};
  }
  console.out << to_indented_text(json) << std::endl;
}

int run(const AddOptions& options, const Console& console) {
  const auto added = add(options);
  if (!added) {
    console.print_error(added.error());
    return exit_code(added.error().code);
  }
  if (options.json) {
    print_json(console, options, *added);
  } else {
    print_text(console, options, *added);
    for (const std::string& note : added->notes) console.print_note(note);
  }
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_tenant_add_command(CLI::App& tenant, Action& chosen) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* command =
      tenant.add_subcommand("add", "a tree, subordinate ids and a mount point for a user");
  command->add_option("NAME", options->name, "a user of this machine")->required();
  command->add_option("--mountpoint", options->mountpoint,
                      "an empty directory for a view, which keeps no data while none is mounted");
  command->add_flag("--no-subids", options->no_subids,
                    "no new subordinate ids: views are owner=virtual");
  command->add_option("--containerdata", options->containerdata, kContainerdataHelp);
  command->add_flag("--json", options->json, "an object");
  command->footer(
      "Makes /containerdata/user-NAME (the user's, 0700), gives the user 65536 subordinate uids "
      "and\n"
      "gids that nobody has (usermod(8), login.defs(5)), and makes the mount point mode 0000 and\n"
      "immutable. What is there already stays as it is: an add that was interrupted, or a mount\n"
      "point that came later, is the same command once more.\n"
      "Exit code 32: no such user, or what is there is not the user's.\n\n"
      "Examples:\n"
      "  useradd --system --no-create-home toto && cvfs tenant add toto\n"
      "  cvfs tenant add toto --mountpoint /srv/toto");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return run(*options, console); };
  });
}

}  // namespace cvfs
