#include "idmap/id_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ids.h"
#include "base/result.h"
#include "idmap/parse_number.h"

namespace cvfs {
namespace {

using Side = std::uint32_t IdRange::*;

constexpr std::string_view kFormatHint =
    "CONTAINER:HOST:COUNT[:CONTAINER:HOST:COUNT], as in 0:100000:65536";

// Up to here a scan is faster than a search (the kernel switches behind 5, its
// UID_GID_MAP_MAX_BASE_EXTENTS). One range costs one comparison.
constexpr std::size_t kScannedRanges = 8;

// Below the range the difference wraps round to more than any count: make() lets no range end
// behind 2^32-2.
template <Side from>
bool contains(const IdRange& range, std::uint32_t id) {
  return id - range.*from < range.count;
}

// `ranges` is sorted by `from`.
template <Side from, Side to>
std::optional<std::uint32_t> translate(const std::vector<IdRange>& ranges, std::uint32_t id) {
  if (ranges.size() <= kScannedRanges) {
    for (const IdRange& range : ranges) {
      if (contains<from>(range, id)) return range.*to + (id - range.*from);
    }
    return std::nullopt;
  }
  const auto behind = std::ranges::upper_bound(ranges, id, {}, from);
  if (behind == ranges.begin()) return std::nullopt;
  const IdRange& range = *std::prev(behind);
  if (!contains<from>(range, id)) return std::nullopt;
  return range.*to + (id - range.*from);
}

std::vector<IdRange> sorted_by(Side side, std::vector<IdRange> ranges) {
  std::ranges::sort(ranges, {}, side);
  return ranges;
}

std::string range_text(const IdRange& range) {
  return std::to_string(range.inside) + ':' + std::to_string(range.outside) + ':' +
         std::to_string(range.count);
}

bool ends_behind_last_id(std::uint32_t start, std::uint32_t count) {
  return std::uint64_t{start} + count > kUnmappedId;
}

Outcome<void> check_range(const IdRange& range, const std::string& object) {
  if (range.count == 0) {
    return refuse(object, "the range " + range_text(range) + " has a count of 0",
                  std::string(kFormatHint));
  }
  if (ends_behind_last_id(range.inside, range.count) ||
      ends_behind_last_id(range.outside, range.count)) {
    return refuse(object, "the range " + range_text(range) + " ends behind the last id, 4294967294",
                  "a smaller COUNT");
  }
  return {};
}

// `ranges` is sorted by `side`, and each one is valid by itself.
Outcome<void> check_overlaps(const std::vector<IdRange>& ranges, Side side, const char* whose,
                             const std::string& object) {
  const auto overlaps = [side](const IdRange& left, const IdRange& right) {
    return right.*side - left.*side < left.count;
  };
  const auto found = std::ranges::adjacent_find(ranges, overlaps);
  if (found == ranges.end()) return {};
  return refuse(object,
                "the ranges " + range_text(*found) + " and " + range_text(*std::next(found)) +
                    " overlap on the " + whose + " side",
                "ranges that share no id, neither the container's nor the host's");
}

// Takes the field in front of the next ':' (or all that is left) off `rest`.
std::string_view take_field(std::string_view& rest) {
  const std::size_t colon = rest.find(':');
  const std::string_view field = rest.substr(0, colon);
  rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  return field;
}

std::vector<std::string_view> split_at_colons(std::string_view text) {
  std::vector<std::string_view> fields;
  const bool has_empty_last_field = text.ends_with(':');
  while (!text.empty()) fields.push_back(take_field(text));
  if (has_empty_last_field) fields.emplace_back();
  return fields;
}

std::vector<std::string_view> split_at_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n";
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return fields;
    text.remove_prefix(begin);
    const std::size_t length = std::min(text.find_first_of(kSpace), text.size());
    fields.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

Outcome<IdMap> make_from_fields(const std::vector<std::string_view>& fields,
                                const std::string& object) {
  if (fields.size() % 3 != 0) {
    return refuse(object, "ranges consist of three numbers each", std::string(kFormatHint));
  }
  std::vector<std::uint32_t> numbers;
  for (const std::string_view field : fields) {
    const auto number = parse_number(field);
    if (!number) {
      return refuse(object, '"' + std::string(field) + "\" is not a number of 0 to 4294967295",
                    std::string(kFormatHint));
    }
    numbers.push_back(*number);
  }
  std::vector<IdRange> ranges;
  for (std::size_t i = 0; i < numbers.size(); i += 3) {
    ranges.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  }
  return IdMap::make(std::move(ranges), object);
}

}  // namespace

IdMap::IdMap(std::vector<IdRange> ranges)
    : ranges_(sorted_by(&IdRange::inside, std::move(ranges))),
      ranges_by_outside_(sorted_by(&IdRange::outside, ranges_)) {}

Outcome<IdMap> IdMap::make(std::vector<IdRange> ranges, const std::string& object) {
  if (ranges.empty()) return refuse(object, "holds no range of ids", std::string(kFormatHint));
  for (const IdRange& range : ranges) TRY(check_range(range, object));
  IdMap map(std::move(ranges));
  TRY(check_overlaps(map.ranges_, &IdRange::inside, "container's", object));
  TRY(check_overlaps(map.ranges_by_outside_, &IdRange::outside, "host's", object));
  return map;
}

IdMap IdMap::identity() {
  return IdMap({{0, 0, kUnmappedId}});
}

std::optional<std::uint32_t> IdMap::to_outside(std::uint32_t inside) const {
  return translate<&IdRange::inside, &IdRange::outside>(ranges_, inside);
}

std::optional<std::uint32_t> IdMap::to_inside(std::uint32_t outside) const {
  return translate<&IdRange::outside, &IdRange::inside>(ranges_by_outside_, outside);
}

std::string IdMap::text() const {
  std::string text;
  for (const IdRange& range : ranges_) {
    if (!text.empty()) text += ':';
    text += range_text(range);
  }
  return text;
}

Outcome<IdMap> parse_id_map(std::string_view text, const std::string& object) {
  return make_from_fields(split_at_colons(text), object);
}

Outcome<IdMap> parse_proc_id_map(std::string_view contents, const std::string& object) {
  return make_from_fields(split_at_space(contents), object);
}

}  // namespace cvfs
