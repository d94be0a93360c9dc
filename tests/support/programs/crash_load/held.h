// Held: what a process holds open over many operations, and so over deaths: a directory that it
// reads on and on, and an unlinked file. One thread only.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "check.h"

class Held {
 public:
  Held(const std::string& directory, std::mt19937& random);
  void step();
  // All names are in `directory`/held.
  void verify(const std::string& directory) const;

 private:
  void reopen_unlinked();
  void use_unlinked();
  void read_on();

  std::mt19937& random_;
  std::string directory_;
  std::string unlinked_path_;
  std::set<std::string> wanted_;
  std::vector<std::string> found_;
  Fd listing_;
  Fd file_;
  std::string data_;
};
