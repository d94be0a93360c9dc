// ScratchFiles: HostFiles in a directory of a test's own, which goes when the test ends. One
// thread.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "idmap/host_files.h"

namespace cvfs {

class ScratchFiles {
 public:
  ScratchFiles() {
    std::string pattern = testing::TempDir() + "cvfs-idmap-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
  }
  ~ScratchFiles() { std::filesystem::remove_all(directory_); }
  ScratchFiles(const ScratchFiles&) = delete;
  ScratchFiles& operator=(const ScratchFiles&) = delete;

  // None of them exists before write().
  HostFiles files() const {
    return {path("subuid"), path("subgid"), path("daemon.json"), path("proc")};
  }

  std::string path(const std::string& name) const { return directory_ / name; }

  void write(const std::string& name, const std::string& contents) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << contents;
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace cvfs
