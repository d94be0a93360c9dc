// IdMap: a translation between two spaces of 32-bit ids, given by ranges as in /proc/PID/uid_map.
// "Inside" is the container's side, "outside" the host's (or the disk's). Immutable after it is
// made; any thread. See user_namespaces(7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/operator_error.h"

namespace cvfs {

struct IdRange {
  std::uint32_t inside;
  std::uint32_t outside;
  std::uint32_t count;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

class IdMap {
 public:
  // Refuses what the kernel refuses for a uid_map: a count of 0, an end past 2^32-2 (the last id is
  // (uid_t)-1, "no id"), overlaps inside or outside; and no range at all. `object` names the option
  // in the refusal, e.g. "uidmap=0:100000:0".
  static Outcome<IdMap> make(std::vector<IdRange> ranges, const std::string& object);

  // Every id means itself.
  static IdMap identity();

  std::optional<std::uint32_t> to_outside(std::uint32_t inside) const;
  std::optional<std::uint32_t> to_inside(std::uint32_t outside) const;

  const std::vector<IdRange>& ranges() const { return ranges_; }

  // "0:100000:65536:65536:400000:10": what parse_id_map() reads.
  std::string text() const;

  friend bool operator==(const IdMap&, const IdMap&) = default;

 private:
  explicit IdMap(std::vector<IdRange> ranges);
  std::vector<IdRange> ranges_;             // sorted by `inside`
  std::vector<IdRange> ranges_by_outside_;  // the same, sorted by `outside`
};

// "CONTAINER:HOST:COUNT[:CONTAINER:HOST:COUNT]…", newuidmap(1)'s order. `object` as in make().
Outcome<IdMap> parse_id_map(std::string_view text, const std::string& object);

// The contents of /proc/PID/uid_map or gid_map.
Outcome<IdMap> parse_proc_id_map(std::string_view contents, const std::string& object);

}  // namespace cvfs
