// UserNamespaceMap: how the containers of a view appear on the host (`userns=`, `uidmap=`,
// `gidmap=`). Immutable; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "idmap/host_files.h"
#include "idmap/id_map.h"

namespace cvfs {

struct UserNamespaceMap {
  IdMap uids = IdMap::identity();
  IdMap gids = IdMap::identity();
  std::string origin;  // for messages: "host", "@dockremap", "pid:4711", "docker (dockremap)"
};

// What the mount options say, unparsed. Empty strings: not given.
struct UserNamespaceOptions {
  std::string userns;  // "auto" (also when empty), "host", "@NAME", "pid:N"
  std::string uidmap;  // CONTAINER:HOST:COUNT[:…]; excludes a userns other than "auto" or empty
  std::string gidmap;  // empty with a uidmap: the same ranges as uidmap
};

// Reads what the options name: /etc/subuid and /etc/subgid, /proc/N/uid_map and gid_map, Docker's
// /etc/docker/daemon.json ("userns-remap": "default" is dockremap; "USER", "USER:GROUP", "UID",
// "UID:GID"; the ranges follow each other from container id 0 in the files' order, as dockerd and
// newuidmap lay them out; as in dockerd since 20.10 the group does not matter). `auto` without a
// daemon.json or without userns-remap in it is `host`. Refused: an unknown user or process, a user
// without ranges, a daemon.json that is no JSON, an unknown userns word, uidmap together with
// another userns.
Outcome<UserNamespaceMap> resolve_user_namespace(const UserNamespaceOptions& options);
Outcome<UserNamespaceMap> resolve_user_namespace(const UserNamespaceOptions& options,
                                                 const HostFiles& files);

}  // namespace cvfs
