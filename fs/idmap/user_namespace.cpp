#include "idmap/user_namespace.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "idmap/parse_number.h"
#include "idmap/subordinate_ids.h"
#include "idmap/users.h"

namespace cvfs {
namespace {

constexpr char kWordsHint[] = "userns=auto, userns=host, userns=@NAME, userns=pid:N, or uidmap=";

UserNamespaceMap host_map() {
  return {IdMap::identity(), IdMap::identity(), "host"};
}

Outcome<UserNamespaceMap> from_ranges(const SubordinateIds& ids, std::string origin,
                                      const HostFiles& files) {
  UserNamespaceMap map;
  map.uids = TRY(IdMap::make(lay_out(ids.uids, 0), files.subuid + ", " + origin));
  map.gids = TRY(IdMap::make(lay_out(ids.gids, 0), files.subgid + ", " + origin));
  map.origin = std::move(origin);
  return map;
}

Outcome<UserNamespaceMap> from_user(const User& user, std::string origin, std::string object,
                                    const HostFiles& files) {
  const SubordinateIds ids = TRY(read_subordinate_ids(user.name, user.uid, files));
  if (ids.complete()) return from_ranges(ids, std::move(origin), files);
  if (!user.is_known && ids.uids.empty() && ids.gids.empty()) {
    return refuse(std::move(object), "no user \"" + user.name + "\", and no subordinate ids for it",
                  "another userns=@NAME, or userns=host");
  }
  // usermod(8) wants a user that exists; for others the hint writes the line.
  const std::uint32_t uid = user.is_known ? user.uid : kUnmappedId;
  return refuse(missing_subordinate_ids(ids, std::move(object), user.name, uid,
                                        "-o userns=host, or -o uidmap=0:HOST:COUNT", files));
}

Outcome<UserNamespaceMap> from_user_name(std::string_view name, const HostFiles& files) {
  const std::string origin = '@' + std::string(name);
  if (name.empty()) return refuse("userns=@", "names no user", "userns=@dockremap");
  const User user = TRY(find_user(name));
  return from_user(user, origin, "userns=" + origin, files);
}

Outcome<IdMap> read_proc_map(const std::string& path, const std::string& object) {
  const auto contents = TRY(read_host_file(path));
  if (!contents) return refuse(object, "no such process", "the PID of a process in the container");
  return parse_proc_id_map(*contents, path);
}

Outcome<UserNamespaceMap> from_process(std::string_view number, const HostFiles& files) {
  const std::string origin = "pid:" + std::string(number);
  const std::string object = "userns=" + origin;
  const auto pid = parse_number(number);
  if (!pid || *pid == 0) return refuse(object, "is not the number of a process", "userns=pid:4711");
  const std::string directory = files.proc + '/' + std::to_string(*pid);
  UserNamespaceMap map;
  map.uids = TRY(read_proc_map(directory + "/uid_map", object));
  map.gids = TRY(read_proc_map(directory + "/gid_map", object));
  map.origin = origin;
  return map;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// The value of "userns-remap" in a daemon.json; empty where there is none. dockerd takes an empty
// file for {}.
Outcome<std::string> userns_remap(const std::string& contents, const std::string& path) {
  if (is_blank(contents)) return std::string();
  constexpr bool kThrows = false;
  const auto json = nlohmann::json::parse(contents, nullptr, kThrows);
  if (!json.is_object()) {
    return refuse(path, "is not a JSON object",
                  "python3 -m json.tool " + path + ", or -o userns=host");
  }
  const auto remap = json.find("userns-remap");
  if (remap == json.end()) return std::string();
  if (!remap->is_string()) {
    return refuse(path, "\"userns-remap\" is not a string", R"("userns-remap": "default")");
  }
  return remap->get<std::string>();
}

// dockerd: parseRemappedRoot() and setupRemappedRoot() in daemon/daemon_unix.go. Since 20.10
// (moby#41018) the group only names dockerd's own files; subgid is searched for the user.
Outcome<UserNamespaceMap> from_userns_remap(const std::string& remap, const HostFiles& files) {
  const std::string object = files.daemon_json + ", userns-remap \"" + remap + '"';
  const std::string name = remap.substr(0, remap.find(':'));
  if (name.empty()) return refuse(object, "names no user", R"("userns-remap": "default")");
  const User user = TRY(find_user(name == "default" ? "dockremap" : name));
  if (user.name == "root") return host_map();  // dockerd: "user namespaces are OFF"
  return from_user(user, "docker (" + user.name + ')', object, files);
}

Outcome<UserNamespaceMap> from_docker(const HostFiles& files) {
  const auto contents = TRY(read_host_file(files.daemon_json));
  if (!contents) return host_map();
  const std::string remap = TRY(userns_remap(*contents, files.daemon_json));
  if (remap.empty()) return host_map();
  return from_userns_remap(remap, files);
}

Outcome<UserNamespaceMap> from_explicit_maps(const UserNamespaceOptions& options) {
  const std::string& gids = options.gidmap.empty() ? options.uidmap : options.gidmap;
  const char* gid_option = options.gidmap.empty() ? "uidmap=" : "gidmap=";
  UserNamespaceMap map;
  map.uids = TRY(parse_id_map(options.uidmap, "uidmap=" + options.uidmap));
  map.gids = TRY(parse_id_map(gids, gid_option + gids));
  map.origin = "uidmap";
  return map;
}

}  // namespace

Outcome<UserNamespaceMap> resolve_user_namespace(const UserNamespaceOptions& options) {
  return resolve_user_namespace(options, HostFiles());
}

Outcome<UserNamespaceMap> resolve_user_namespace(const UserNamespaceOptions& options,
                                                 const HostFiles& files) {
  const std::string_view userns = options.userns;
  const bool is_auto = userns.empty() || userns == "auto";
  const bool has_maps = !options.uidmap.empty() || !options.gidmap.empty();
  if (has_maps && !is_auto) {
    return refuse("userns=" + options.userns, "excludes uidmap= and gidmap=", "one of the two");
  }
  if (has_maps && options.uidmap.empty()) {
    return refuse("gidmap=" + options.gidmap, "needs a uidmap= beside it",
                  "-o uidmap=" + options.gidmap + ",gidmap=" + options.gidmap);
  }
  if (has_maps) return from_explicit_maps(options);
  if (is_auto) return from_docker(files);
  if (userns == "host") return host_map();
  if (userns.starts_with('@')) return from_user_name(userns.substr(1), files);
  if (userns.starts_with("pid:")) return from_process(userns.substr(4), files);
  return refuse("userns=" + options.userns, "is no kind of user namespace that cvfs knows",
                kWordsHint);
}

}  // namespace cvfs
