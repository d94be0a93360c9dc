// What `cvfs doctor` looks at. Each function adds what it finds, good and bad, and changes nothing;
// a mount point is never touched, as a view there may hang. One thread; root.
#pragma once

#include <string>
#include <vector>

#include "cli/fstab.h"
#include "cli/view_answers.h"

namespace cvfs {

enum class Severity { kOk, kNote, kWarning, kError };

struct Finding {
  Severity severity;
  std::string check;  // one word: "kernel", "fstab"
  std::string what;   // one sentence without a full stop
  std::string mend;   // a command, or what to write; empty: nothing to do
};

using Findings = std::vector<Finding>;

struct Machine {
  std::string containerdata;
  std::string defaults;  // of all views: /etc/cvfs/cvfs.conf's options
  std::string version;   // of this cvfs
  std::vector<ViewAnswer> views;
  std::vector<FstabLine> fstab;
};

void check_kernel(Findings& findings);
void check_programs(const Machine& machine, Findings& findings);
void check_views(const Machine& machine, Findings& findings);
// Docker's userns-remap against the views' maps, and what it does with bind sources.
void check_docker_map(const Machine& machine, Findings& findings);
void check_bind_sources(const Machine& machine, Findings& findings);
void check_subordinate_files(Findings& findings);
void check_tenants(const Machine& machine, Findings& findings);
// Options, targets, boot order, and mount points that collect data.
void check_fstab(const Machine& machine, Findings& findings);

}  // namespace cvfs
