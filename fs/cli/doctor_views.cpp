// cvfs doctor: the views that are mounted, and whether Docker's containers have their maps.
#include "cli/doctor.h"
#include "cli/field.h"
#include "control/printable.h"
#include "control/view_name.h"
#include "idmap/user_namespace.h"

namespace cvfs {
namespace {

std::string view_text(const Json& view, FieldPath path) {
  return text_of(field(view, path));
}

void check_view(const ViewAnswer& answer, const std::string& version, Findings& findings) {
  const std::string name = name_of(answer.view);
  if (!answer.reply) {
    findings.push_back({Severity::kError, "views", name + ": " + answer.reply.error().what,
                        answer.reply.error().hint});
    return;
  }
  const Json* found = field(*answer.reply, {"view"});
  const Json view = found != nullptr ? *found : Json::object();
  const std::size_t before = findings.size();
  const std::string serving = view_text(view, {"version"});
  if (serving != version) {
    findings.push_back(
        {Severity::kNote, "views", name + " is served by " + serving, "cvfs upgrade " + name});
  }
  if (view_text(view, {"passthrough"}) == "off") {
    findings.push_back({Severity::kNote, "views",
                        name + " is without passthrough: its data goes through cvfsd, and slower",
                        "leave passthrough=off out, or a source on ext4, xfs or btrfs"});
  }
  if (number_of(field(view, {"restarts", "hung"})).value_or(0) > 0) {
    findings.push_back({Severity::kWarning, "views", name + " had workers that hung",
                        "journalctl -t cvfsd, for what they waited for"});
  }
  if (number_of(field(view, {"restarts", "worker"})).value_or(0) > 0) {
    findings.push_back({Severity::kNote, "views", name + " had workers that died",
                        "journalctl -t cvfsd, and report it"});
  }
  if (findings.size() != before) return;
  findings.push_back({Severity::kOk, "views",
                      name + " serves: FUSE " + view_text(view, {"fuse"}) + ", passthrough " +
                          view_text(view, {"passthrough"}) + ", cache " +
                          view_text(view, {"cache"}),
                      ""});
}

Outcome<IdMap> map_of(const ViewAnswer& answer, const char* ids) {
  const Json* text = answer.reply ? field(*answer.reply, {"view", "maps", "userns", ids}) : nullptr;
  if (text == nullptr || !text->is_string()) return refuse("maps", "are not said");
  return parse_id_map(text->get<std::string>(), "maps");
}

void compare_map(const ViewAnswer& answer, const UserNamespaceMap& docker, Findings& findings) {
  const auto uids = map_of(answer, "uids");
  const auto gids = map_of(answer, "gids");
  if (!uids || !gids) return;
  const std::string name = name_of(answer.view);
  if (*uids == docker.uids && *gids == docker.gids) {
    findings.push_back({Severity::kOk, "docker", name + " has the map of Docker's containers", ""});
    return;
  }
  findings.push_back({Severity::kWarning, "docker",
                      name + " maps " + uids->text() + ", Docker's containers have " +
                          docker.uids.text() + " (" + docker.origin +
                          "): unless it is for another engine, its files are nobody's to them",
                      "umount " + name + ", and mount it with userns=auto"});
}

}  // namespace

void check_views(const Machine& machine, Findings& findings) {
  if (machine.views.empty()) {
    findings.push_back({Severity::kNote, "views", "none is mounted", "mount -t cvfs NAME:/ DIR"});
  }
  for (const ViewAnswer& answer : machine.views) check_view(answer, machine.version, findings);
}

void check_docker_map(const Machine& machine, Findings& findings) {
  const auto docker = resolve_user_namespace({});
  if (!docker) {
    const OperatorError& error = docker.error();
    findings.push_back({Severity::kError, "docker", error.object + ": " + error.what, error.hint});
    return;
  }
  if (docker->origin == "host") {
    findings.push_back({Severity::kNote, "docker",
                        "no userns-remap: root in a container is the host's root",
                        R"("userns-remap": "default" in /etc/docker/daemon.json)"});
  } else {
    findings.push_back(
        {Severity::kOk, "docker", "remaps to " + docker->uids.text() + ", " + docker->origin, ""});
  }
  for (const ViewAnswer& answer : machine.views) compare_map(answer, *docker, findings);
}

}  // namespace cvfs
