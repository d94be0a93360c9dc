// Subordinate ids: who may use which host ids for the users of a namespace; subuid(5), subgid(5).
// Pure functions over the files' contents, and one that reads them. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"
#include "idmap/host_files.h"
#include "idmap/id_map.h"

namespace cvfs {

struct SubordinateRange {
  std::uint32_t start;
  std::uint32_t count;
  friend bool operator==(const SubordinateRange&, const SubordinateRange&) = default;
};

// The ranges of `name` (or of its number `id`, as subuid(5) allows) in the file's order. Lines
// that are malformed or somebody else's are passed over, as newuidmap(1) does. A user that has no
// number (it is in no passwd) is kUnmappedId: only its name counts.
std::vector<SubordinateRange> subordinate_ranges(std::string_view contents, std::string_view name,
                                                 std::uint32_t id);

struct SubordinateIds {
  std::vector<SubordinateRange> uids;
  std::vector<SubordinateRange> gids;
  bool complete() const { return !uids.empty() && !gids.empty(); }
};

// Reads /etc/subuid and /etc/subgid, both by the *user's* name or number: the first field of a
// subgid line is a login name, too; subgid(5). A file that does not exist holds no range; one that
// cannot be read is refused. `uid` as `id` above.
Outcome<SubordinateIds> read_subordinate_ids(std::string_view name, std::uint32_t uid);
Outcome<SubordinateIds> read_subordinate_ids(std::string_view name, std::uint32_t uid,
                                             const HostFiles& files);

// The ranges one after the other, from the id `first` inside.
std::vector<IdRange> lay_out(const std::vector<SubordinateRange>& ranges, std::uint32_t first);

// The refusal for whom `ids` that are not complete() do not suffice; it names the files that lack a
// line and suggests ranges that no line has. `instead`: the other way out, as "-o owner=virtual".
OperatorError missing_subordinate_ids(const SubordinateIds& ids, std::string object,
                                      std::string_view name, std::uint32_t uid,
                                      std::string_view instead, const HostFiles& files = {});

}  // namespace cvfs
