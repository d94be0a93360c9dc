#include "command_line.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "base/result.h"

namespace cvfs {
namespace {

constexpr const char* kVersion = "mount.cvfs " CVFS_VERSION;

tl::unexpected<OperatorError> refuse_usage(std::string object, std::string what) {
  return refuse(OperatorError{ExitCode::kUsage, std::move(object), std::move(what),
                              "mount -t cvfs SOURCE DIR [-o OPTIONS], or mount.cvfs --help"});
}

Outcome<void> check_type(const std::string& type) {
  if (type.empty() || type == "cvfs" || type == "fuse.cvfs") return {};
  return refuse_usage(type, "not a type that mount.cvfs mounts");
}

}  // namespace

Outcome<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  std::string type;
  std::vector<std::string> options;
  bool no_mtab = false;  // accepted; there is no mtab to leave alone

  CLI::App app("Serves a tenant's directory at DIR. Called by mount(8) for -t cvfs.", "mount.cvfs");
  app.set_version_flag("-V,--version", kVersion);
  app.add_option("SOURCE", line.source, "NAME, NAME:/PATH or a path below containerdata=")
      ->required();
  app.add_option("DIR", line.target, "where to mount it")->required();
  app.add_option("-o", options, "mount options, comma-separated; see docs/mounting.md")
      ->allow_extra_args(false);
  app.add_option("-N", line.mount_namespace, "mount in this namespace: a process id or a path");
  app.add_option("-t", type, "cvfs or fuse.cvfs");
  app.add_flag("-s", line.sloppy, "pass over unknown options");
  app.add_flag("-f", line.fake, "check everything, mount nothing");
  app.add_flag("-n", no_mtab, "accepted for mount(8)");
  app.add_flag("-v", line.verbose, "print the command that serves the view");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.answer = app.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.answer = std::string(version.what()) + "\n";
    return line;
  } catch (const CLI::ParseError& error) {
    return refuse_usage("", error.what());
  }
  TRY(check_type(type));
  line.options = CLI::detail::join(options, ",");
  return line;
}

}  // namespace cvfs
