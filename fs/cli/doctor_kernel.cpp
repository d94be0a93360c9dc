// cvfs doctor: the kernel, and the programs that serve views.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cli/doctor.h"
#include "cli/program.h"
#include "control/printable.h"
#include "idmap/host_files.h"
#include "idmap/parse_number.h"

namespace cvfs {
namespace {

// Since when FUSE passes data through and sends requests again that a worker died over.
constexpr unsigned kMajor = 6;
constexpr unsigned kMinor = 9;
constexpr int kVersionSeconds = 10;

std::string contents_of(const char* path) {
  const auto contents = read_host_file(path);
  return contents ? contents->value_or(std::string()) : std::string();
}

void check_release(Findings& findings) {
  utsname name{};
  ::uname(&name);
  unsigned major = 0;
  unsigned minor = 0;
  const bool is_known = std::sscanf(name.release, "%u.%u", &major, &minor) == 2;
  const std::string kernel = std::string("Linux ") + name.release;
  if (is_known && (major > kMajor || (major == kMajor && minor >= kMinor))) {
    findings.push_back({Severity::kOk, "kernel", kernel + ": FUSE passthrough and resend", ""});
    return;
  }
  findings.push_back({Severity::kWarning, "kernel",
                      kernel + " has neither FUSE passthrough (slow data) nor resend (requests are "
                               "lost when a worker dies); both are in 6.9 and later",
                      "apt-get install -t bookworm-backports linux-image-amd64, and reboot"});
}

void check_fuse(Findings& findings) {
  const bool is_known = contents_of("/proc/filesystems").find("\tfuse\n") != std::string::npos;
  const bool has_device = ::access("/dev/fuse", R_OK | W_OK) == 0;
  if (is_known && has_device) {
    findings.push_back(
        {Severity::kOk, "fuse", "the kernel has FUSE, and there is a /dev/fuse", ""});
  } else {
    findings.push_back(
        {Severity::kError, "fuse",
         is_known ? "there is no /dev/fuse that root can open" : "the kernel has no FUSE",
         is_known ? "mknod -m 0666 /dev/fuse c 10 229" : "modprobe fuse"});
  }
}

void check_user_namespaces(Findings& findings) {
  std::string most = contents_of("/proc/sys/user/max_user_namespaces");
  most = most.substr(0, most.find('\n'));
  if (::access("/proc/self/ns/user", F_OK) != 0) {
    findings.push_back({Severity::kError, "user namespaces",
                        "the kernel has none (CONFIG_USER_NS), and Docker cannot remap",
                        "another kernel, or views with userns=host"});
  } else if (most == "0") {
    findings.push_back({Severity::kError, "user namespaces",
                        "none may be made (user.max_user_namespaces is 0)",
                        "sysctl -w user.max_user_namespaces=15000"});
  } else {
    findings.push_back({Severity::kOk, "user namespaces", "at most " + most, ""});
  }
}

// mount(8) looks there and nowhere else.
constexpr const char* kHelper = "/sbin/mount.cvfs";

std::string version_of(const std::string& program) {
  const auto end = run_program({program, "--version"}, kVersionSeconds);
  if (!end || end->exit_code != 0) return "";
  const std::string line = printable(end->out.substr(0, end->out.find('\n')));
  return line.substr(line.rfind(' ') + 1);
}

}  // namespace

void check_kernel(Findings& findings) {
  check_release(findings);
  check_fuse(findings);
  check_user_namespaces(findings);
}

void check_programs(const Machine& machine, Findings& findings) {
  std::error_code error;
  const std::filesystem::path helper = std::filesystem::canonical(kHelper, error);
  if (error) {
    findings.push_back({Severity::kError, "programs",
                        std::string(kHelper) + " is missing: mount -t cvfs does not find it",
                        "apt-get install --reinstall cvfs"});
    return;
  }
  const std::string cvfsd = helper.parent_path() / "cvfsd";
  const std::string version = version_of(cvfsd);
  if (version.empty()) {
    findings.push_back({Severity::kError, "programs", cvfsd + " cannot be run",
                        "apt-get install --reinstall cvfs"});
  } else if (version != machine.version) {
    findings.push_back({Severity::kWarning, "programs",
                        "cvfsd is " + version + ", and this cvfs " + machine.version,
                        "apt-get install --reinstall cvfs"});
  } else {
    findings.push_back({Severity::kOk, "programs", "mount.cvfs and cvfsd " + version, ""});
  }
}

}  // namespace cvfs
