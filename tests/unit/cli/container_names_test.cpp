#include "cli/container_names.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace cvfs {
namespace {

class ContainerNames : public testing::Test {
 protected:
  ContainerNames() {
    char path[] = "/tmp/cvfs-names-XXXXXX";
    directory_ = ::mkdtemp(path);
    files_ = {directory_ + "/daemon.json", directory_ + "/docker", directory_ + "/podman.json"};
  }
  ~ContainerNames() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& contents) const {
    const std::filesystem::path path = directory_ + '/' + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << contents;
  }
  std::string name_of(const std::string& id) const { return container_name(id, files_); }

  const std::string id_ = std::string(63, 'a') + '1';
  std::string directory_;
  EngineFiles files_;
};

TEST_F(ContainerNames, DockerKeepsThemBelowItsRoot) {
  write("docker/containers/" + id_ + "/config.v2.json", R"({"ID":"a","Name":"/brave_one"})");
  EXPECT_EQ(name_of(id_), "brave_one");
}

TEST_F(ContainerNames, ADirectoryDeeperWithMappedIds) {
  write("docker/100000.100000/containers/" + id_ + "/config.v2.json", R"({"Name":"/remapped"})");
  EXPECT_EQ(name_of(id_), "remapped");
}

TEST_F(ContainerNames, ElsewhereIfTheEngineIsToldSo) {
  write("daemon.json", R"({"data-root":")" + directory_ + R"(/other"})");
  write("other/containers/" + id_ + "/config.v2.json", R"({"Name":"/elsewhere"})");
  EXPECT_EQ(name_of(id_), "elsewhere");
}

TEST_F(ContainerNames, PodmanHasAList) {
  write("podman.json", R"([{"id":"0","names":["x"]},{"id":")" + id_ + R"(","names":["pod_one"]}])");
  EXPECT_EQ(name_of(id_), "pod_one");
}

TEST_F(ContainerNames, WhatIsDamagedOrForgedHasNone) {
  EXPECT_EQ(name_of(id_), "");
  write("docker/containers/" + id_ + "/config.v2.json", R"({"Name":[1)");
  write("podman.json", R"({"id":1})");
  EXPECT_EQ(name_of(id_), "");
  EXPECT_EQ(name_of("../../etc"), "");
}

}  // namespace
}  // namespace cvfs
