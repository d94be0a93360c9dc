// cvfs doctor: fstab's lines for views, and the directories that they are mounted on.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "cli/doctor.h"
#include "cli/mountpoint.h"
#include "cli/program.h"
#include "control/default_options.h"
#include "control/printable.h"
#include "control/tenant_source.h"
#include "control/view_options.h"
#include "sys/mounts.h"

namespace cvfs {
namespace {

// A finding about one line, which is named by its mount point.
void add(Findings& findings, Severity severity, const FstabLine& line, const std::string& what,
         const std::string& mend) {
  findings.push_back({severity, "fstab", printable(line.target) + ": " + what, printable(mend)});
}

void add(Findings& findings, const FstabLine& line, const OperatorError& error) {
  add(findings, Severity::kError, line,
      error.object.empty() ? error.what : error.object + ": " + error.what, error.hint);
}

void check_options(const Machine& machine, const FstabLine& line, Findings& findings) {
  const auto options = parse_view_options(with_defaults(machine.defaults, line.options));
  if (!options) {
    add(findings, line, options.error());
    return;
  }
  const auto source = open_tenant_source(line.source, options->containerdata);
  if (!source) add(findings, line, source.error());
  if (line.source.find(':') == std::string::npos && !line.source.starts_with('/')) {
    add(findings, Severity::kNote, line,
        "mount(8) takes the source " + line.source + " for a file of that name, if there is one",
        line.source + ":/ as the source");
  }
}

void check_order(const FstabLine& line, Findings& findings) {
  if (!find_program("dockerd") || line.has_option("noauto")) return;
  if (line.has_option("x-systemd.before=docker.service")) return;
  add(findings, Severity::kWarning, line,
      "Docker does not wait for it at boot: containers may start before, and write below it",
      "x-systemd.before=docker.service in its options");
}

// O_PATH: whatever is mounted there is not asked.
void check_mountpoint(const FstabLine& line, Findings& findings) {
  const UniqueFd target(::open(line.target.c_str(), O_PATH | O_CLOEXEC));
  if (!target) {
    add(findings, Severity::kError, line, "the mount point does not exist",
        "cvfs tenant add " + tenant_of_source(line.source) + " --mountpoint " + line.target);
    return;
  }
  if (sys::is_view(target.get())) return;
  struct stat status {};
  if (::fstat(target.get(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    add(findings, Severity::kError, line, "the mount point is a file, where a directory is meant",
        "mv " + line.target + " ELSEWHERE && mkdir " + line.target);
    return;
  }
  add(findings, Severity::kWarning, line, "is not mounted", "mount " + line.target);
  if (protection_of(target.get()) == Protection::kNone) {
    add(findings, Severity::kWarning, line,
        "can be written to while nothing is mounted there, and a view would hide it",
        "cvfs tenant add " + tenant_of_source(line.source) + " --mountpoint " + line.target);
  }
}

}  // namespace

void check_fstab(const Machine& machine, Findings& findings) {
  const std::size_t before = findings.size();
  std::size_t views = 0;
  for (const FstabLine& line : machine.fstab) {
    if (!line.is_view()) continue;
    ++views;
    check_options(machine, line, findings);
    check_order(line, findings);
    check_mountpoint(line, findings);
  }
  if (findings.size() != before) return;
  findings.push_back({Severity::kOk, "fstab", std::to_string(views) + " lines for views", ""});
}

}  // namespace cvfs
