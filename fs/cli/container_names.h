// What engines call their containers, by what they keep on disk: no engine is asked, which might
// hang. Docker's containers/ID/config.v2.json below its data-root (with userns-remap a directory
// deeper), Podman's containers.json. Reads files at each question; any thread.
#pragma once

#include <string>

namespace cvfs {

struct EngineFiles {
  std::string daemon_json = "/etc/docker/daemon.json";
  std::string docker_root = "/var/lib/docker";  // unless daemon.json says "data-root"
  std::string podman_containers = "/var/lib/containers/storage/overlay-containers/containers.json";
};

// `id`: 64 hexadecimal digits. "" where nobody knows it.
std::string container_name(const std::string& id, const EngineFiles& files = {});

}  // namespace cvfs
