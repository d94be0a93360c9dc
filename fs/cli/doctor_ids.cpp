// cvfs doctor: subordinate ids that two have, and the tenants' trees.
#include "base/result.h"
#include "cli/containerdata.h"
#include "cli/doctor.h"
#include "cli/tenant.h"
#include "control/printable.h"
#include "idmap/host_files.h"
#include "idmap/subordinate_lines.h"

namespace cvfs {
namespace {

void check_file(const std::string& path, const std::string& option, Findings& findings) {
  const auto contents = read_host_file(path);
  if (!contents) {
    findings.push_back(
        {Severity::kError, "ids", path + ' ' + contents.error().what, "ls -l " + path});
    return;
  }
  const auto lines = subordinate_lines(contents->value_or(std::string()));
  const auto pairs = overlapping_lines(lines);
  for (const auto& [left, right] : pairs) {
    const SubordinateRange& range = right.range;
    findings.push_back({Severity::kError, "ids",
                        path + ": " + printable(as_text(left)) + " and " +
                            printable(as_text(right)) +
                            " share ids: who has the one can read the other's files",
                        "usermod " + option + ' ' + std::to_string(range.start) + '-' +
                            std::to_string(range.start + (range.count - 1)) + ' ' +
                            printable(right.owner) + ", if nothing is stored with them"});
  }
  if (!pairs.empty()) return;
  findings.push_back({Severity::kOk, "ids",
                      path + ": " + std::to_string(lines.size()) + " ranges, none overlaps", ""});
}

}  // namespace

void check_subordinate_files(Findings& findings) {
  const HostFiles files;
  check_file(files.subuid, "--del-subuids", findings);
  check_file(files.subgid, "--del-subgids", findings);
}

void check_tenants(const Machine& machine, Findings& findings) {
  const auto containerdata = Containerdata::open(machine.containerdata);
  if (!containerdata) {
    const OperatorError& error = containerdata.error();
    findings.push_back({Severity::kNote, "tenants", error.object + ": " + error.what, error.hint});
    return;
  }
  const auto safe = containerdata->check_safety();
  if (!safe) {
    const OperatorError& error = safe.error();
    findings.push_back({Severity::kError, "tenants", error.object + ": " + error.what, error.hint});
  }
  const auto names = containerdata->tenants();
  std::size_t sound = 0;
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const auto tenant = find_tenant(*containerdata, name);
    if (!tenant) continue;
    if (tenant->faults.empty()) ++sound;
    for (const std::string& fault : tenant->faults) {
      std::string what = name;
      what.append(": ").append(fault);
      findings.push_back({Severity::kError, "tenants", what,
                          "chown " + name + ": " + tenant->path + "; chmod 0700 " + tenant->path});
    }
  }
  findings.push_back({Severity::kOk, "tenants",
                      std::to_string(sound) + " sound in " + printable(machine.containerdata), ""});
}

}  // namespace cvfs
