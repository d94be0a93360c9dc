#include "cli/container_names.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/control_message.h"
#include "control/printable.h"

namespace cvfs {

namespace {

// What is no JSON, or not there, says nothing.
Json read_json(const std::string& path) {
  std::ifstream file(path);
  constexpr bool kThrows = false;
  return file ? Json::parse(file, nullptr, kThrows) : Json();
}

std::string string_in(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string docker_name(const std::string& root, const std::string& id) {
  const Json config = read_json(root + "/containers/" + id + "/config.v2.json");
  std::string name = string_in(config, "Name");
  return name.starts_with('/') ? name.substr(1) : name;
}

// "100000.100000": of an engine whose containers have those ids on the host.
bool is_remapped_root(const std::filesystem::path& path) {
  const std::string name = path.filename();
  return !name.empty() && name.find_first_not_of("0123456789.") == std::string::npos;
}

std::string docker_name(const std::string& id, const EngineFiles& files) {
  const std::string said = string_in(read_json(files.daemon_json), "data-root");
  const std::string root = said.empty() ? files.docker_root : said;
  std::string name = docker_name(root, id);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    if (name.empty() && is_remapped_root(entry.path())) name = docker_name(entry.path(), id);
  }
  return name;
}

std::string podman_name(const std::string& id, const EngineFiles& files) {
  for (const Json& container : read_json(files.podman_containers)) {
    if (string_in(container, "id") != id) continue;
    const auto names = container.find("names");
    const bool has_one = names != container.end() && names->is_array() && !names->empty();
    return has_one && names->front().is_string() ? names->front().get<std::string>() : "";
  }
  return "";
}

}  // namespace

std::string container_name(const std::string& id, const EngineFiles& files) {
  if (id.empty() || id.find_first_not_of("0123456789abcdef") != std::string::npos) return "";
  const std::string name = docker_name(id, files);
  return printable(name.empty() ? podman_name(id, files) : name);
}

}  // namespace cvfs
