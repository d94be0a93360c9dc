// cvfs doctor: bind sources of Docker's containers that are missing, or are directories where files
// are meant: for `docker run -v` a missing source becomes an empty directory of root's.
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <sstream>

#include "cli/doctor.h"
#include "cli/mount_table.h"
#include "cli/program.h"
#include "control/printable.h"

namespace cvfs {
namespace {

// Which destinations are files in every image.
constexpr std::array<const char*, 6> kFiles = {"/etc/localtime", "/etc/timezone",
                                               "/etc/hosts",     "/etc/passwd",
                                               "/etc/group",     "/etc/resolv.conf"};
constexpr std::array<const char*, 9> kFileSuffixes = {".conf", ".json", ".yml", ".yaml", ".toml",
                                                      ".ini",  ".sock", ".pem", ".crt"};

bool is_meant_as_file(const std::string& destination) {
  for (const char* file : kFiles) {
    if (destination == file) return true;
  }
  for (const char* suffix : kFileSuffixes) {
    if (destination.ends_with(suffix)) return true;
  }
  return false;
}

// Of a view that gives no answer: a look would hang.
bool may_hang(const std::string& path, const Machine& machine,
              const std::vector<MountEntry>& mounts) {
  const MountEntry* mount = mount_of_path(mounts, path);
  if (mount == nullptr || !mount->is_view()) return false;
  for (const ViewAnswer& answer : machine.views) {
    if (answer.view.id == mount->minor) return !answer.reply;
  }
  return true;
}

void check_bind(const std::string& container, const std::string& source,
                const std::string& destination, Findings& findings) {
  struct stat status {};
  const std::string bind = container + ": " + printable(source);
  if (::lstat(source.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return;
    const bool is_file = is_meant_as_file(destination);
    findings.push_back(
        {Severity::kWarning, "bind sources",
         bind + " is missing; docker would make a directory of root's",
         (is_file ? "put the file there: touch " : "mkdir -p ") + printable(source)});
    return;
  }
  if (!S_ISDIR(status.st_mode) || !is_meant_as_file(destination)) return;
  findings.push_back(
      {Severity::kError, "bind sources",
       bind + " is a directory, and " + printable(destination) + " is meant to be a file",
       "docker rm " + container + "; rmdir " + printable(source) + ", and put the file there"});
}

Outcome<ProgramEnd> ask_docker(const std::string& docker) {
  auto ids = run_program({docker, "ps", "--all", "--quiet", "--no-trunc"}, kDockerSeconds);
  if (!ids || ids->exit_code != 0 || ids->out.empty()) return ids;
  const std::string format = std::string(R"({{$n := .Name}}{{range .Mounts}})") +
                             R"({{if eq .Type "bind"}}{{$n}}{{"\t"}}{{.Source}})" +
                             R"({{"\t"}}{{.Destination}}{{"\n"}}{{end}}{{end}})";
  std::vector<std::string> words = {docker, "inspect", "--type", "container", "--format", format};
  std::istringstream lines(ids->out);
  std::string id;
  while (lines >> id) words.push_back(id);
  return run_program(words, kDockerSeconds);
}

}  // namespace

void check_bind_sources(const Machine& machine, Findings& findings) {
  const auto docker = find_program("docker");
  if (!docker) {
    findings.push_back({Severity::kNote, "bind sources", "docker is not installed", ""});
    return;
  }
  const auto told = ask_docker(*docker);
  if (!told || told->exit_code != 0) {
    findings.push_back({Severity::kNote, "bind sources", "no Docker engine answers",
                        "systemctl start docker, if one is meant to run"});
    return;
  }
  const auto mounts = mounts_of_process(0);
  const std::size_t before = findings.size();
  std::istringstream lines(told->out);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string name;
    std::string source;
    std::string destination;
    std::getline(fields, name, '\t');
    std::getline(fields, source, '\t');
    std::getline(fields, destination);
    if (source.empty() || !mounts || may_hang(source, machine, *mounts)) continue;
    check_bind(printable(name.substr(name.starts_with('/') ? 1 : 0)), source, destination,
               findings);
  }
  if (findings.size() != before) return;
  findings.push_back({Severity::kOk, "bind sources", "those of all containers are there", ""});
}

}  // namespace cvfs
