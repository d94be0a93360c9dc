// mount.cvfs: what mount(8) calls for -t cvfs. Checks what it is told, starts the view's cvfsd, and
// returns when the view serves, or with mount(8)'s exit code and one message.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "asked_flags.h"
#include "asked_source.h"
#include "base/result.h"
#include "command_line.h"
#include "control/default_options.h"
#include "control/view_options.h"
#include "remount.h"
#include "view_daemon.h"

namespace cvfs {
namespace {

namespace fs = std::filesystem;

// A program that was started with descriptors 0 to 2 closed would get them for its pipes.
void occupy_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd < STDERR_FILENO) fd = ::dup(fd);
  if (fd > STDERR_FILENO) UniqueFd(fd).reset();
}

Outcome<void> check_caller() {
  if (::geteuid() != ::getuid() || ::getegid() != ::getgid()) {
    return refuse(OperatorError{ExitCode::kUsage, "mount.cvfs", "must not be setuid or setgid",
                                "chmod ug-s on it, and call it as root"});
  }
  if (::geteuid() != 0) {
    return refuse(OperatorError{ExitCode::kUsage, "", "only root may mount a view",
                                "sudo mount -t cvfs SOURCE DIR"});
  }
  return {};
}

// The cvfsd of the same installation, wherever that is.
Outcome<std::string> find_cvfsd() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    return refuse(OperatorError{ExitCode::kSystem, "/proc/self/exe", error.message(),
                                "mount -t proc proc /proc"});
  }
  std::string program = own.parent_path() / "cvfsd";
  if (::access(program.c_str(), X_OK) == 0) return program;
  return refuse(OperatorError{ExitCode::kSystem, program, std::strerror(errno),
                              "install cvfsd in the directory of mount.cvfs"});
}

// cvfsd's directory is "/", ours need not be.
std::string absolute(const std::string& path) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) real = fs::absolute(path, error);
  return error ? path : real.string();
}

// -N takes a process id or a path. cvfsd mounts there and stays here: nothing of a namespace that
// may be a container's is run or read.
std::string namespace_path(const std::string& wanted) {
  const bool is_pid = wanted.find_first_not_of("0123456789") == std::string::npos;
  return is_pid ? "/proc/" + wanted + "/ns/mnt" : absolute(wanted);
}

std::vector<std::string> cvfsd_arguments(const CommandLine& line) {
  std::vector<std::string> arguments;
  if (line.fake) arguments.emplace_back("--check");
  if (line.sloppy) arguments.emplace_back("--sloppy");
  if (!line.mount_namespace.empty()) {
    arguments.push_back("--namespace=" + namespace_path(line.mount_namespace));
  }
  arguments.push_back(line.source);
  if (line.mount_namespace.empty()) {
    arguments.push_back(absolute(line.target));
  } else {
    arguments.push_back(line.target);
  }
  if (!line.options.empty()) {
    arguments.emplace_back("-o");
    arguments.push_back(line.options);
  }
  return arguments;
}

void print_command(const std::string& program, const std::vector<std::string>& arguments) {
  std::cout << "mount.cvfs: " << program;
  for (const auto& argument : arguments) std::cout << ' ' << argument;
  std::cout << std::endl;
}

// With the machine's defaults, and checked.
Outcome<void> complete_options(CommandLine& line) {
  line.options = with_defaults(TRY(read_default_options()), line.options);
  const ViewOptions options = TRY(parse_view_options(line.options, line.sloppy));
  return check_asked_source(line.source, line.target, options.containerdata);
}

Outcome<void> run(int argc, const char* const* argv) {
  CommandLine line = TRY(parse_command_line(argc, argv));
  if (!line.answer.empty()) {
    std::cout << line.answer << std::flush;
    return {};
  }
  TRY(check_caller());
  line.options = with_asked_flags(std::move(line.options), line.target);
  if (asks_for_remount(line.options)) {
    return line.fake ? Outcome<void>() : remount_view(absolute(line.target), line.options);
  }
  TRY(complete_options(line));
  const std::string program = TRY(find_cvfsd());
  const auto arguments = cvfsd_arguments(line);
  if (line.verbose) print_command(program, arguments);
  // Before the fork: an interrupt in between would leave a view that nobody waits for.
  const UniqueFd interrupts = TRY(catch_interrupts());
  ViewDaemon daemon = TRY(ViewDaemon::start(program, arguments));
  return daemon.wait(interrupts);
}

int report(const OperatorError& error) {
  std::cerr << "mount.cvfs: " << error.message() << std::endl;
  return static_cast<int>(error.code);
}

}  // namespace
}  // namespace cvfs

int main(int argc, char** argv) {
  try {
    cvfs::occupy_standard_descriptors();
    const auto outcome = cvfs::run(argc, argv);
    return outcome ? static_cast<int>(cvfs::ExitCode::kSuccess) : cvfs::report(outcome.error());
  } catch (const std::exception& error) {
    return cvfs::report({cvfs::ExitCode::kInternal, "", error.what(), "report it"});
  }
}
