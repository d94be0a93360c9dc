#include "cli/container.h"

#include <algorithm>
#include <sstream>

#include "base/result.h"
#include "cli/program.h"
#include "control/printable.h"
#include "idmap/host_files.h"
#include "idmap/parse_number.h"

namespace cvfs {
namespace {

std::string first_line(const std::string& text) {
  return printable(text.substr(0, text.find('\n')));
}

Outcome<int> pid_by_docker(const std::string& name) {
  const auto docker = find_program("docker");
  if (!docker) {
    return refuse(printable(name), "docker is not installed, and finds containers by name",
                  "--container PID, the number of a process in the container");
  }
  const ProgramEnd end = TRY(run_program(
      {*docker, "inspect", "--type", "container", "--format", "{{.State.Pid}}", "--", name},
      kDockerSeconds));
  if (end.exit_code != 0) {
    return refuse(printable(name), first_line(end.err), "docker ps, or --container PID");
  }
  const std::string number = end.out.substr(0, end.out.find('\n'));
  const int pid = static_cast<int>(parse_number(number).value_or(0));
  if (pid != 0) return pid;
  return refuse(printable(name), "does not run, and its processes decide what may be done",
                "docker start " + printable(name));
}

Outcome<int> pid_of(const std::string& name) {
  const auto number = parse_number(name);
  if (number && *number > 0) return static_cast<int>(*number);
  return pid_by_docker(name);
}

Outcome<std::string> read_of(int pid, const std::string& file) {
  const std::string number = std::to_string(pid);
  const auto contents = TRY(read_host_file("/proc/" + number + '/' + file));
  if (contents) return *contents;
  return refuse(number, "no such process", "docker ps, or another --container PID");
}

// "Uid:\t1000\t1000\t1000\t1000": the numbers behind the name.
std::vector<std::uint32_t> numbers_of(const std::string& status, const std::string& name) {
  std::istringstream lines(status);
  std::string line;
  std::vector<std::uint32_t> numbers;
  while (std::getline(lines, line)) {
    if (!line.starts_with(name + ':')) continue;
    std::istringstream words(line.substr(name.size() + 1));
    std::uint32_t number = 0;
    while (words >> number) numbers.push_back(number);
  }
  return numbers;
}

std::uint64_t capabilities_of(const std::string& status) {
  const std::size_t at = status.find("CapEff:");
  if (at == std::string::npos) return 0;
  std::istringstream word(status.substr(at + 7));
  std::uint64_t bits = 0;
  word >> std::hex >> bits;
  return bits;
}

}  // namespace

Outcome<Container> find_container(const std::string& name) {
  Container container;
  container.name = name;
  container.pid = TRY(pid_of(name));
  container.uids = TRY(parse_proc_id_map(TRY(read_of(container.pid, "uid_map")), name));
  container.gids = TRY(parse_proc_id_map(TRY(read_of(container.pid, "gid_map")), name));
  container.mounts = TRY(mounts_of_process(container.pid));
  const std::string status = TRY(read_of(container.pid, "status"));
  const auto uids = numbers_of(status, "Uid");
  const auto gids = numbers_of(status, "Gid");
  constexpr std::size_t kFilesystemId = 3;
  if (uids.size() > kFilesystemId) container.uid = uids[kFilesystemId];
  if (gids.size() > kFilesystemId) container.gid = gids[kFilesystemId];
  container.groups = numbers_of(status, "Groups");
  container.capabilities = capabilities_of(status);
  return container;
}

}  // namespace cvfs
