// Operation: one thing that the micro benchmark times, and Place: the directory of its own in which
// a thread does it. A Place belongs to one thread at a time; Operations are constants.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace cvfs::bench {

// A directory with the names that are used in it, written out before the clock runs.
class Place {
 public:
  // Makes the directory unless it is there.
  Place(int parent, const std::string& directory, unsigned names);

  int dir() const { return dir_.get(); }
  unsigned names() const { return static_cast<unsigned>(names_.size()); }
  const char* name(unsigned i) const { return names_[i % names_.size()].c_str(); }
  const char* new_name(unsigned i) const { return new_names_[i % names_.size()].c_str(); }

  // For those operations that work on one open file.
  UniqueFd file;
  std::vector<char> buffer;

 private:
  UniqueFd dir_;
  std::vector<std::string> names_;
  std::vector<std::string> new_names_;
};

struct Operation {
  std::string_view name;
  unsigned names;   // how many names a Place has at --scale 1
  unsigned steps;   // how often a thread does it at --scale 1
  bool repeatable;  // doing it changes nothing that counts: it is tried before the clock runs

  // All of them throw std::system_error where a call fails, or std::runtime_error where its result
  // is not what it must be.
  std::function<void(Place&)> prepare;
  std::function<unsigned(Place&, unsigned step)> run;            // returns what it counts as
  std::function<void(const Place&, unsigned steps_done)> check;  // that the work is really done
};

// By subject, one file each.
std::vector<Operation> name_operations();
std::vector<Operation> attribute_operations();
std::vector<Operation> listing_operations();
std::vector<Operation> file_operations();

std::vector<Operation> all_operations();

}  // namespace cvfs::bench
