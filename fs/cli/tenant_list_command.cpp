// cvfs tenant list [--containerdata DIR] [--json], cvfs tenant show NAME [...]
#include <memory>

#include "base/result.h"
#include "cli/subcommand.h"
#include "cli/table.h"
#include "cli/tenant.h"
#include "cli/tenant_ids.h"
#include "control/control_message.h"
#include "control/printable.h"
#include "control/view_name.h"

namespace cvfs {
namespace {

using Row = std::vector<std::string>;

struct ListOptions {
  std::string name;  // show
  std::string containerdata;
  bool json = false;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "-" : text;
}

std::string target_list(const Tenant& tenant) {
  std::vector<std::string> targets;
  for (const RunningView& view : tenant.views) targets.push_back(name_of(view));
  return joined(targets);
}

std::string ids_text(const SubordinateIds& ids) {
  const std::string uids = text_of(ids.uids);
  const std::string gids = text_of(ids.gids);
  return uids == gids ? uids : "uids " + uids + "; gids " + gids;
}

Row row_of(const Tenant& tenant) {
  return {tenant.name,           user_text(tenant.status.uid), ids_text(tenant.ids),
          tenant.owner_policy(), target_list(tenant),          joined(tenant.faults)};
}

Outcome<std::vector<Tenant>> all_tenants(const Containerdata& containerdata) {
  std::vector<Tenant> tenants;
  for (const std::string& name : TRY(containerdata.tenants())) {
    tenants.push_back(TRY(find_tenant(containerdata, name)));
  }
  return tenants;
}

Outcome<Containerdata> open_containerdata(const ListOptions& options) {
  return Containerdata::open(TRY(containerdata_path(options.containerdata)));
}

void print_table_of(const Console& console, const std::vector<Tenant>& tenants) {
  if (tenants.empty()) {
    console.out << "no tenants" << std::endl;
    return;
  }
  std::vector<Row> rows = {{"TENANT", "USER", "SUBORDINATE IDS", "OWNER", "VIEWS", "FAULTS"}};
  for (const Tenant& tenant : tenants) rows.push_back(row_of(tenant));
  print_table(console.out, rows);
  console.out << std::flush;
}

Outcome<void> list(const ListOptions& options, const Console& console) {
  TRY(check_tenant_command("any"));
  const Containerdata containerdata = TRY(open_containerdata(options));
  const std::vector<Tenant> tenants = TRY(all_tenants(containerdata));
  if (!options.json) {
    print_table_of(console, tenants);
    return {};
  }
  Json all = Json::array();
  for (const Tenant& tenant : tenants) all.push_back(to_json(tenant));
  console.out << to_indented_text(all) << std::endl;
  return {};
}

void print_block(const Console& console, const Tenant& tenant,
                 const std::vector<std::string>& removed) {
  std::vector<Row> rows = {
      {"tree", tenant.path},
      {"user", user_text(tenant.status.uid) + " (" + std::to_string(tenant.status.uid) + ':' +
                   std::to_string(tenant.status.gid) + ')'},
      {"mode", mode_text(tenant.status.mode)},
      {"subordinate ids", ids_text(tenant.ids)},
      {"owner=", tenant.owner_policy()}};
  for (const RunningView& view : tenant.views) {
    rows.push_back({"view " + std::to_string(view.id), name_of(view)});
  }
  for (const FstabLine& line : tenant.in_fstab) {
    rows.push_back({"fstab", printable(line.source + ' ' + line.target + ' ' + line.options)});
  }
  for (const std::string& name : removed) rows.push_back({"removed", name});
  for (const std::string& fault : tenant.faults) rows.push_back({"fault", fault});
  console.out << tenant.name << '\n';
  print_table(console.out, rows, "  ");
  console.out << std::flush;
}

Outcome<void> show(const ListOptions& options, const Console& console) {
  TRY(check_tenant_command(options.name));
  const Containerdata containerdata = TRY(open_containerdata(options));
  const Tenant tenant = TRY(find_tenant(containerdata, options.name));
  const std::vector<std::string> removed = TRY(containerdata.removed(options.name));
  if (!options.json) {
    print_block(console, tenant, removed);
    return {};
  }
  Json json = to_json(tenant);
  json["removed"] = removed;
  console.out << to_indented_text(json) << std::endl;
  return {};
}

int finish(const Outcome<void>& done, const Console& console) {
  if (done) return exit_code(ExitCode::kSuccess);
  console.print_error(done.error());
  return exit_code(done.error().code);
}

}  // namespace

void add_tenant_list_command(CLI::App& tenant, Action& chosen) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = tenant.add_subcommand("list", "all tenants, a line each");
  command->add_option("--containerdata", options->containerdata, kContainerdataHelp);
  command->add_flag("--json", options->json, "an array of objects, one a tenant");
  command->footer(
      "OWNER: what owner= is by default; FAULTS: what a mount refuses, or others could misuse.\n\n"
      "Examples:\n"
      "  cvfs tenant list\n"
      "  cvfs tenant list --json | jq -r '.[] | select(.views == []) | .name'");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return finish(list(*options, console), console); };
  });
}

void add_tenant_show_command(CLI::App& tenant, Action& chosen) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = tenant.add_subcommand("show", "everything about one tenant");
  command->add_option("NAME", options->name, "a tenant")->required();
  command->add_option("--containerdata", options->containerdata, kContainerdataHelp);
  command->add_flag("--json", options->json, "an object");
  command->footer("Exit code 32: no such tenant.\n\nExamples:\n  cvfs tenant show toto");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return finish(show(*options, console), console); };
  });
}

}  // namespace cvfs
