// cvfs manual [PAGE]: the manual pages, made from the tables that the parsers use.
#include <memory>

#include "cli/command_tree.h"
#include "cli/roff.h"
#include "cli/subcommand.h"
#include "control/foreign_options.h"
#include "control/printable.h"
#include "control/view_option_help.h"

namespace cvfs {
namespace {

constexpr const char* kSeeAlso =
    "cvfs(1), cvfs(7), mount.cvfs(8), cvfsd(8), mount(8), fstab(5), subuid(5), "
    "user_namespaces(7)";

void add_see_also(Roff& page) {
  page.heading("SEE ALSO");
  page.paragraph(kSeeAlso);
}

void add_exit_status(Roff& page) {
  page.heading("EXIT STATUS");
  page.item("0", "done; for mount.cvfs: the view serves");
  page.item("1", "the invocation is wrong, or not root's");
  page.item("2", "the system: no /dev/fuse, no /proc, no memory; a build cannot take a view over");
  page.item("4", "a defect; please report it");
  page.item("8", "interrupted before the view served; nothing is left");
  page.item("32",
            "the source, the target or the ids; no such view, tenant or file; a view is dead "
            "or gives no answer; cvfs doctor has found something to mend");
}

// ---- cvfs(1) ----

std::string operands_of(const CommandText& command) {
  std::string text;
  for (const OptionText& option : command.options) {
    if (option.is_operand) text += ' ' + option.names;
  }
  return text;
}

void add_command(Roff& page, const CommandText& command) {
  page.subheading(command.words + operands_of(command));
  page.paragraph(command.meaning);
  for (const OptionText& option : command.options) {
    if (option.names.find("--help") != std::string::npos) continue;
    page.item(option.names + (option.value.empty() ? "" : ' ' + option.value), option.meaning);
  }
  if (!command.footer.empty()) page.verbatim(command.footer);
}

std::string cvfs_page(const CLI::App& app, const std::string& version) {
  Roff page("CVFS", 1, version);
  page.heading("NAME");
  page.paragraph("cvfs - looks after the tenants and views of cvfs");
  page.heading("SYNOPSIS");
  page.paragraph("cvfs COMMAND [OPTION...] [OPERAND...]");
  page.heading("DESCRIPTION");
  page.paragraph(
      "cvfs shows and changes what there is of cvfs on a machine: tenants, and views of their\n"
      "trees. A VIEW is a mount point, a source (toto:/data), or the view's number. No command\n"
      "touches a mount point: one of a view that hangs would hang it, too. Colours are for\n"
      "terminals; NO_COLOR switches them off.");
  page.heading("COMMANDS");
  for (const CommandText& command : command_tree(app)) {
    if (command.words != "cvfs") add_command(page, command);
  }
  add_exit_status(page);
  add_see_also(page);
  return page.text();
}

// ---- mount.cvfs(8) ----

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

void add_options(Roff& page) {
  page.heading("OPTIONS OF A VIEW");
  page.paragraph("Comma-separated, after -o or in fstab(5). A later one overrides an earlier one.");
  for (const ViewOptionHelp& option : view_option_help()) {
    page.item(std::string(option.name) + '=', std::string(option.values) + ": " +
                                                  std::string(option.meaning) + ". As in " +
                                                  std::string(option.example) + '.');
  }
  page.paragraph(
      "Those that every view is to have stand in /etc/cvfs/cvfs.conf, each on a line of its own. "
      "Those of a mount come after them.");
  page.heading("OPTIONS OF MOUNT(8)");
  page.paragraph("Understood: " + joined(mount_flag_options()) +
                 ". Views are nosuid,nodev unless suid or dev is said.");
  page.paragraph("Passed over: " + joined(passed_over_options()) + ", x-*, X-*.");
}

std::string named(ForeignMeaning meaning) {
  std::string text;
  for (const ForeignOption& option : foreign_options()) {
    if (option.meaning != meaning) continue;
    text.append(text.empty() ? "" : ", ").append(option.name);
    if (meaning == ForeignMeaning::kSame) text.append(" as ").append(here(option, "N"));
  }
  return text;
}

void add_foreign_options(Roff& page) {
  page.heading("OPTIONS OF OTHER FILESYSTEMS");
  page.paragraph("Every view is so: " + named(ForeignMeaning::kAlways) + '.');
  page.paragraph("Understood: " + named(ForeignMeaning::kSame) + '.');
  page.paragraph("Refused, with what to write instead: " + named(ForeignMeaning::kRefused) + '.');
}

std::string mount_page(const std::string& version) {
  Roff page("MOUNT.CVFS", 8, version);
  page.heading("NAME");
  page.paragraph("mount.cvfs - mounts a view of a tenant's tree");
  page.heading("SYNOPSIS");
  page.paragraph("mount -t cvfs SOURCE DIR [-o OPTIONS]");
  page.paragraph("mount.cvfs SOURCE DIR [-fnsv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]");
  page.heading("DESCRIPTION");
  page.paragraph(
      "mount(8) calls it. SOURCE is NAME:/ (the tree of the tenant NAME), NAME:/PATH, or a path\n"
      "below /containerdata/user-NAME. It returns when the view serves; umount(8) ends it.");
  page.item("-o OPTIONS", "comma-separated; below");
  page.item("-f", "check everything, mount nothing");
  page.item("-s", "pass over unknown options");
  page.item("-v", "print the command that serves the view");
  page.item("-n", "accepted; there is no mtab");
  page.item("-N NAMESPACE", "mount in that mount namespace: a process id or a path");
  page.item("-t TYPE", "cvfs or fuse.cvfs");
  add_options(page);
  add_foreign_options(page);
  page.heading("EXAMPLES");
  page.verbatim(
      "mount -t cvfs toto:/ /srv/toto\n"
      "toto:/data /srv/toto cvfs userns=auto,x-systemd.before=docker.service 0 0");
  page.heading("FILES");
  page.item("/etc/cvfs/cvfs.conf", "defaults of all views");
  add_exit_status(page);
  add_see_also(page);
  return page.text();
}

// ---- cvfsd(8), cvfs(7) ----

std::string cvfsd_page(const std::string& version) {
  Roff page("CVFSD", 8, version);
  page.heading("NAME");
  page.paragraph("cvfsd - serves one view of a tenant's tree");
  page.heading("SYNOPSIS");
  page.paragraph("cvfsd SOURCE TARGET [-o OPTIONS] [--namespace NS] [--sloppy] [--check]");
  page.heading("DESCRIPTION");
  page.paragraph(
      "mount.cvfs(8) starts it; by hand it stays in the foreground. A view has three processes: a\n"
      "supervisor, a worker that serves, and a standby that takes over when the supervisor dies. "
      "A\n"
      "worker that dies is replaced, and containers see a pause and no error.");
  page.item("-o OPTIONS", "as of mount.cvfs(8)");
  page.item("--namespace NS", "mount it in this mount namespace, /proc/PID/ns/mnt");
  page.item("--sloppy", "pass over unknown options");
  page.item("--check", "check everything, mount nothing");
  page.item("--ready-fd N", "say there when the view serves, and log to syslog; for mount.cvfs");
  page.item("--version", "the version");
  page.heading("SIGNALS");
  page.item("SIGHUP", "to the supervisor: goes on with the build that is installed");
  page.item("SIGTERM, SIGINT", "to the supervisor: unmounts the view, unless it is busy");
  page.heading("FILES");
  page.item("/run/cvfs/N.sock", "the view's control socket; root only");
  add_exit_status(page);
  add_see_also(page);
  return page.text();
}

std::string concepts_page(const std::string& version) {
  Roff page("CVFS", 7, version);
  page.heading("NAME");
  page.paragraph("cvfs - views of tenants' trees for containers: concepts");
  page.heading("WORDS");
  page.item("tenant", "a user of the host's volumes: NAME in /containerdata/user-NAME");
  page.item("view",
            "one mount of a tenant's tree with one translation of ids; there may be several");
  page.item("container id", "a uid or gid as a process in the container sees it: 0, 1000");
  page.item("host id", "the same as the kernel outside sees it: 100000, 101000");
  page.item("stored id", "what is on disk");
  page.item("unclaimed",
            "a fresh volume: anybody may write there, and the first who makes an entry "
            "becomes its owner");
  page.heading("WHO OWNS WHAT");
  page.paragraph(
      "host id --(the view's userns=, backwards)--> container id --(owner=)--> stored id");
  page.paragraph(
      "With owner=map container root is stored as the tenant, and the others lie in the tenant's\n"
      "subordinate ids. With owner=virtual everything on disk belongs to the tenant, and who owns\n"
      "what is in an xattr. With owner=caller whoever asks in a container is the owner. cvfs\n"
      "explain PATH says all of it of one file.");
  page.heading("WHAT NEVER HAPPENS");
  page.paragraph(
      "A view leads nowhere out of its tenant's tree; it stores no id of root's, no device, and\n"
      "nothing that is privileged for a process of the host.");
  add_see_also(page);
  return page.text();
}

int print(const CLI::App& app, const std::string& version, const std::string& page,
          const Console& console) {
  const std::string title = "cvfs " + version;
  if (page == "cvfs") {
    console.out << cvfs_page(app, title);
  } else if (page == "mount.cvfs") {
    console.out << mount_page(title);
  } else if (page == "cvfsd") {
    console.out << cvfsd_page(title);
  } else if (page == "concepts") {
    console.out << concepts_page(title);
  } else {
    console.print_error({ExitCode::kUsage, printable(page), "no such page",
                         "cvfs manual cvfs, mount.cvfs, cvfsd or concepts"});
    return exit_code(ExitCode::kUsage);
  }
  console.out << std::flush;
  return exit_code(ExitCode::kSuccess);
}

}  // namespace

void add_manual_command(CLI::App& app, const std::string& version, Action& chosen) {
  auto page = std::make_shared<std::string>("cvfs");
  CLI::App* command = app.add_subcommand("manual", "a manual page, for man(1)");
  command->add_option("PAGE", *page,
                      "cvfs (1), mount.cvfs (8), cvfsd (8) or concepts: cvfs (7); without: cvfs");
  command->footer("Examples:\n  cvfs manual mount.cvfs | man -l -");
  command->callback([&app, version, page, &chosen] {
    chosen = [&app, version, page](const Console& console) {
      return print(app, version, *page, console);
    };
  });
}

}  // namespace cvfs
