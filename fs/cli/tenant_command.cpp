// cvfs tenant add|list|show|remove
#include "cli/subcommand.h"

namespace cvfs {

void add_tenant_command(CLI::App& app, Action& chosen) {
  CLI::App* tenant = app.add_subcommand("tenant", "who has a tree: add, list, show, remove");
  tenant->require_subcommand(1);
  add_tenant_add_command(*tenant, chosen);
  add_tenant_list_command(*tenant, chosen);
  add_tenant_show_command(*tenant, chosen);
  add_tenant_remove_command(*tenant, chosen);
  tenant->footer(
      "A tenant is a user of this machine who has a tree, /containerdata/user-NAME. Views are\n"
      "mounted of it: mount -t cvfs NAME:/ DIR.\n\n"
      "Examples:\n"
      "  cvfs tenant add toto --mountpoint /srv/toto\n"
      "  cvfs tenant show toto\n"
      "  cvfs tenant remove toto");
}

}  // namespace cvfs
