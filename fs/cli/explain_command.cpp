// cvfs explain PATH [--uid N] [--gid N] [--container NAME|PID] [--host] [--json]
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/ids.h"
#include "base/result.h"
#include "cli/colour.h"
#include "cli/explain.h"
#include "cli/subcommand.h"
#include "cli/table.h"
#include "cli/tenant.h"
#include "control/control_message.h"
#include "control/printable.h"

namespace cvfs {
namespace {

using Row = std::vector<std::string>;

constexpr const char* kNobody = "nobody";

// The range of a map that an id is in: "1:200000:65536"; "": none.
std::string range_with(const IdMap& map, std::uint32_t inside) {
  for (const IdRange& range : map.ranges()) {
    if (inside < range.inside || inside - range.inside >= range.count) continue;
    return std::to_string(range.inside) + ':' + std::to_string(range.outside) + ':' +
           std::to_string(range.count);
  }
  return "";
}

std::string shown_text(std::uint32_t id) {
  return id == kUnmappedId ? kNobody : std::to_string(id);
}

std::string id_text(const std::optional<std::uint32_t>& id) {
  return id ? std::to_string(*id) : kNobody;
}

// How the owner on disk becomes the one in the container.
struct OwnerChain {
  std::optional<std::uint32_t> container_uid;
  std::optional<std::uint32_t> container_gid;
  std::string through;
};

OwnerChain owner_chain(const Explanation& e) {
  const Identity& identity = e.view.identity();
  const ShownFile& shown = e.file().shown;
  OwnerChain chain;
  chain.container_uid = identity.userns().uids.to_inside(shown.uid);
  chain.container_gid = identity.userns().gids.to_inside(shown.gid);
  const std::string userns =
      chain.container_uid ? range_with(identity.userns().uids, *chain.container_uid) : "";
  if (e.view.owner() == "map") {
    const auto behind = identity.container(StoredUid{e.file().on_disk.uid});
    const std::string store = behind ? range_with(identity.store().uids, behind->value) : "";
    chain.through = store.empty() ? "the uid on disk is in no range of owner=map"
                                  : "container to disk " + store + " (owner=map)";
  } else {
    chain.through = "owner=" + e.view.owner();
  }
  chain.through += userns.empty() ? "; no id of the container's is on the host's side"
                                  : "; container to host " + userns + " (userns " +
                                        identity.userns().origin + ')';
  return chain;
}

std::string type_of(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISREG(mode)) return "file";
  if (S_ISLNK(mode)) return "symlink";
  if (S_ISFIFO(mode)) return "pipe";
  return S_ISSOCK(mode) ? "socket" : "device";
}

std::string asker_text(const Explanation& e) {
  std::string text = "uid " + std::to_string(e.asker.uid) + ", gid " + std::to_string(e.asker.gid);
  for (const std::uint32_t group : e.asker.groups) text += ", " + std::to_string(group);
  const auto uid = e.asker.uids.to_inside(e.asker.uid);
  const auto gid = e.asker.gids.to_inside(e.asker.gid);
  text += " on the host";
  if (e.asker.uids == IdMap::identity()) return text;
  return "uid " + id_text(uid) + ", gid " + id_text(gid) + " in the container (" + text + ')';
}

void print_owner(const Console& console, const Explanation& e) {
  const ExplainedFile& file = e.file();
  const OwnerChain chain = owner_chain(e);
  std::vector<Row> rows = {
      {"in the container", "uid " + id_text(chain.container_uid) + ", gid " +
                               id_text(chain.container_gid) + ", mode " +
                               mode_text(file.shown.mode)},
      {"on the host", "uid " + shown_text(file.shown.uid) + ", gid " + shown_text(file.shown.gid)},
      {"on disk", "uid " + std::to_string(file.on_disk.uid) + ", gid " +
                      std::to_string(file.on_disk.gid) + ", mode " + mode_text(file.on_disk.mode) +
                      ": " + printable(e.view.disk_path(file.path))},
      {"through", chain.through}};
  for (const AclRule& rule : file.shown.acl) rows.push_back({"ACL (host ids)", text_of(rule)});
  for (const std::string& note : e.notes) rows.push_back({"note", printable(note)});
  print_table(console.out, rows, "  ");
}

void print_answers(const Console& console, const Explanation& e) {
  console.out << "Who asks: " << asker_text(e) << '\n';
  std::vector<Row> rows;
  for (const Answer& answer : e.answers) {
    const bool may = answer.verdict.is_allowed;
    rows.push_back({answer.action,
                    coloured(console, may ? Colour::kGreen : Colour::kRed, may ? "yes" : "no"),
                    answer.verdict.why});
  }
  // Colours have a width for print_table(); the same for each row that has one.
  print_table(console.out, rows, "  ");
  if (e.changes.empty()) return;
  console.out << "What would change it:\n";
  for (const std::string& change : e.changes) console.out << "  " << change << '\n';
}

void print_text(const Console& console, const Explanation& e) {
  const ExplainedFile& file = e.file();
  console.out << printable(e.view.host_path(file.path)) << ": a " << type_of(file.shown.mode)
              << " of " << printable(e.view.view().source) << " (view " << e.view.view().id
              << ")\n";
  print_owner(console, e);
  print_answers(console, e);
  console.out << std::flush;
}

Json id_json(const std::optional<std::uint32_t>& id) {
  return id ? Json(*id) : Json();
}

Json owner_json(const Explanation& e) {
  const ExplainedFile& file = e.file();
  const OwnerChain chain = owner_chain(e);
  const auto shown = [](std::uint32_t id) { return id == kUnmappedId ? Json() : Json(id); };
  Json acl = Json::array();
  for (const AclRule& rule : file.shown.acl) acl.push_back(text_of(rule));
  return {
      {"container", {{"uid", id_json(chain.container_uid)}, {"gid", id_json(chain.container_gid)}}},
      {"host", {{"uid", shown(file.shown.uid)}, {"gid", shown(file.shown.gid)}}},
      {"disk",
       {{"uid", file.on_disk.uid},
        {"gid", file.on_disk.gid},
        {"mode", mode_text(file.on_disk.mode)},
        {"path", e.view.disk_path(file.path)}}},
      {"mode", mode_text(file.shown.mode)},
      {"through", chain.through},
      {"acl", std::move(acl)}};
}

void print_json(const Console& console, const Explanation& e) {
  Json answers = Json::object();
  for (const Answer& answer : e.answers) {
    answers[answer.action] = {{"allowed", answer.verdict.is_allowed}, {"why", answer.verdict.why}};
  }
  const Json json = {{"path", e.view.host_path(e.file().path)},
                     {"view", e.view.view().id},
                     {"source", e.view.view().source},
                     {"type", type_of(e.file().shown.mode)},
                     {"owner", owner_json(e)},
                     {"asker",
                      {{"uid", e.asker.uid},
                       {"gid", e.asker.gid},
                       {"container_uid", id_json(e.asker.uids.to_inside(e.asker.uid))},
                       {"container_gid", id_json(e.asker.gids.to_inside(e.asker.gid))}}},
                     {"access", std::move(answers)},
                     {"changes", e.changes},
                     {"notes", e.notes}};
  console.out << to_indented_text(json) << std::endl;
}

int run(const ExplainOptions& options, const Console& console) {
  if (::geteuid() != 0) {
    console.print_error(
        {ExitCode::kUsage, "", "only root may look at a tenant's tree", "sudo cvfs explain ..."});
    return exit_code(ExitCode::kUsage);
  }
  const auto explanation = explain(options);
  if (!explanation) {
    console.print_error(explanation.error());
    return exit_code(explanation.error().code);
  }
  if (options.json) {
    print_json(console, *explanation);
  } else {
    print_text(console, *explanation);
  }
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_explain_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command =
      app.add_subcommand("explain", "who owns a file of a view, who may do what with it, and why");
  command->add_option("PATH", options->path, "a file of a view, on the host or in the container")
      ->required();
  command->add_option("--uid", options->uid, "who asks, as the container numbers it; 0");
  command->add_option("--gid", options->gid, "its group; 0, as in docker run -u UID");
  CLI::Option* container = command->add_option("--container", options->container,
                                               "a container's name, or a process of it: its "
                                               "mounts, its maps, and its own ids without --uid");
  command->add_flag("--host", options->host, "--uid and --gid are ids of the host")
      ->excludes(container);
  command->add_flag("--json", options->json, "an object");
  command->footer(
      "Looks at the tenant's tree and never at the mount: a view that hangs is explained, too.\n"
      "What would change it are commands for the host's root, with paths and ids of the host.\n"
      "Exit code 0 if it could be explained, whatever is allowed; 32: no such file or "
      "container.\n\n"
      "Examples:\n"
      "  cvfs explain /srv/toto/data --uid 1000\n"
      "  cvfs explain /var/lib/app/db --container web\n"
      "  cvfs explain /srv/toto/data --json | jq .access.create.allowed");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return run(*options, console); };
  });
}

}  // namespace cvfs
