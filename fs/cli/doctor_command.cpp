// cvfs doctor [--containerdata DIR] [--all] [--json]
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/result.h"
#include "cli/colour.h"
#include "cli/doctor.h"
#include "cli/subcommand.h"
#include "cli/tenant.h"
#include "control/default_options.h"
#include "control/printable.h"
#include "control/view_options.h"

namespace cvfs {
namespace {

struct DoctorOptions {
  std::string containerdata;
  bool all = false;
  bool json = false;
};

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

Colour colour_of(Severity severity) {
  if (severity == Severity::kOk || severity == Severity::kNote) return Colour::kGreen;
  return severity == Severity::kWarning ? Colour::kYellow : Colour::kRed;
}

bool is_to_mend(const Finding& finding) {
  return finding.severity == Severity::kWarning || finding.severity == Severity::kError;
}

// Where they cannot be read no view can be mounted; what else is wrong is said all the same.
void read_defaults(Machine& machine, Findings& findings) {
  auto defaults = read_default_options();
  if (!defaults) {
    const OperatorError& error = defaults.error();
    findings.push_back(
        {Severity::kError, "defaults", error.object + ": " + error.what, error.hint});
  }
  machine.defaults = std::move(defaults).value_or("");
  if (!machine.containerdata.empty()) return;
  machine.containerdata =
      parse_view_options(machine.defaults).value_or(ViewOptions()).containerdata;
}

Outcome<Findings> examine(const DoctorOptions& options, const std::string& version) {
  Findings findings;
  Machine machine{options.containerdata, "", version, {}, read_fstab()};
  read_defaults(machine, findings);
  for (const RunningView& view : TRY(views_to_ask({}))) {
    ViewAnswer answer = ask(view, ControlCommand{ControlVerb::kStatus, ""});
    if (!is_remnant(answer)) machine.views.push_back(std::move(answer));
  }
  check_kernel(findings);
  check_programs(machine, findings);
  check_views(machine, findings);
  check_docker_map(machine, findings);
  check_subordinate_files(findings);
  check_tenants(machine, findings);
  check_fstab(machine, findings);
  check_bind_sources(machine, findings);
  return findings;
}

void print_text(const Console& console, const DoctorOptions& options, const Findings& findings) {
  for (const Finding& finding : findings) {
    if (!options.all && finding.severity == Severity::kOk) continue;
    console.out << coloured(console, colour_of(finding.severity), name_of(finding.severity)) << "  "
                << finding.check << ": " << finding.what << '\n';
    if (!finding.mend.empty()) console.out << "  try: " << finding.mend << '\n';
  }
  const auto count = std::ranges::count_if(findings, is_to_mend);
  console.out << findings.size() << " checks, "
              << (count == 0 ? "nothing to mend" : std::to_string(count) + " to mend") << std::endl;
}

void print_json(const Console& console, const Findings& findings) {
  Json all = Json::array();
  for (const Finding& finding : findings) {
    all.push_back({{"severity", name_of(finding.severity)},
                   {"check", finding.check},
                   {"what", finding.what},
                   {"mend", finding.mend}});
  }
  console.out << to_indented_text(all) << std::endl;
}

int run(const DoctorOptions& options, const std::string& version, const Console& console) {
  const auto findings = examine(options, version);
  if (!findings) {
    console.print_error(findings.error());
    return exit_code(findings.error().code);
  }
  if (options.json) {
    print_json(console, *findings);
  } else {
    print_text(console, options, *findings);
  }
  const bool is_well = std::ranges::none_of(*findings, is_to_mend);
  return exit_code(is_well ? ExitCode::kSuccess : ExitCode::kMountFailed);
}

}  // namespace

void add_doctor_command(CLI::App& app, const std::string& version, Action& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command =
      app.add_subcommand("doctor", "what is wrong with this machine, and what mends it");
  command->add_option("--containerdata", options->containerdata, kContainerdataHelp);
  command->add_flag("--all", options->all, "what is in order, too");
  command->add_flag("--json", options->json, "an array of objects, one a finding; all of them");
  command->footer(
      "Looks at the kernel, the programs, the views, /etc/cvfs/cvfs.conf, Docker's userns-remap,\n"
      "/etc/subuid and /etc/subgid, the tenants, fstab and boot order, and Docker's bind sources.\n"
      "Changes nothing.\n"
      "Exit code 0: nothing to mend, 32: a warning or an error was found. A note is neither.\n\n"
      "Examples:\n"
      "  cvfs doctor\n"
      "  cvfs doctor --json | jq -r '.[] | select(.severity == \"error\") | .mend'");
  command->callback([options, version, &chosen] {
    chosen = [options, version](const Console& console) { return run(*options, version, console); };
  });
}

}  // namespace cvfs
