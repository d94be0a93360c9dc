// Subordinate ids: who may use which host ids for the users of a namespace; subuid(5), subgid(5).
// Pure functions over the files' contents, and one that reads them. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

struct SubordinateRange {
  std::uint32_t start;
  std::uint32_t count;
  friend bool operator==(const SubordinateRange&, const SubordinateRange&) = default;
};

// The ranges of `name` (or of its number `id`, as subuid(5) allows) in the file's order. Lines
// that are malformed or somebody else's are passed over, as newuidmap(1) does.
std::vector<SubordinateRange> subordinate_ranges(std::string_view contents, std::string_view name,
                                                 std::uint32_t id);

struct SubordinateIds {
  std::vector<SubordinateRange> uids;
  std::vector<SubordinateRange> gids;
  bool complete() const { return !uids.empty() && !gids.empty(); }
};

// Reads /etc/subuid and /etc/subgid. A file that does not exist holds no range; one that cannot
// be read is refused.
Outcome<SubordinateIds> read_subordinate_ids(std::string_view name, std::uint32_t uid);

}  // namespace cvfs
