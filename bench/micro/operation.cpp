#include "operation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <iterator>

#include "calls.h"

namespace cvfs::bench {

Place::Place(int parent, const std::string& directory, unsigned names) {
  if (::mkdirat(parent, directory.c_str(), 0755) != 0 && errno != EEXIST) {
    failed("mkdir", directory.c_str());
  }
  dir_ = UniqueFd(succeed(::openat(parent, directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          "open", directory.c_str()));
  names_.reserve(names);
  new_names_.reserve(names);
  for (unsigned i = 0; i < names; ++i) {
    names_.push_back(fmt::format("entry-{:06}", i));
    new_names_.push_back(fmt::format("other-{:06}", i));
  }
}

std::vector<Operation> all_operations() {
  std::vector<Operation> all;
  for (auto family : {file_operations, name_operations, attribute_operations, listing_operations}) {
    auto operations = family();
    std::move(operations.begin(), operations.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace cvfs::bench
