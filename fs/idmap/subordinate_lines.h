// The lines of /etc/subuid and /etc/subgid (subuid(5)), and which ids none of them has. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "idmap/subordinate_ids.h"

namespace cvfs {

struct SubordinateLine {
  std::string owner;  // a login name or a uid
  SubordinateRange range;
};

// As it stands in the file.
std::string as_text(const SubordinateLine& line);

// In the file's order. What is malformed is passed over, as newuidmap(1) does.
std::vector<SubordinateLine> subordinate_lines(std::string_view contents);

// Do they share an id?
bool do_overlap(const SubordinateRange& left, const SubordinateRange& right);

// Each pair of lines that share an id, also of one owner.
std::vector<std::pair<SubordinateLine, SubordinateLine>> overlapping_lines(
    std::vector<SubordinateLine> lines);

// Where `count` ids may start between `min` and `max` (both may be used) without touching one that
// is in use; nullopt: nowhere.
std::optional<std::uint32_t> first_gap(std::vector<SubordinateRange> used, std::uint32_t min,
                                       std::uint32_t max, std::uint32_t count);

}  // namespace cvfs
