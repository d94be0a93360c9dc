#include "idmap/subordinate_lines.h"

#include <algorithm>

#include "idmap/parse_number.h"

namespace cvfs {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  const std::size_t end = text.find_last_not_of(kSpace) + 1;  // npos + 1 is 0
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

// "OWNER:START:COUNT"; anything else is no line.
std::optional<SubordinateLine> parse_line(std::string_view text) {
  text = trim(text);
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto start = parse_number(text.substr(first + 1, second - first - 1));
  const auto count = parse_number(text.substr(second + 1));
  if (!start || !count || *count == 0) return std::nullopt;
  return SubordinateLine{std::string(text.substr(0, first)), {*start, *count}};
}

std::uint64_t end_of(const SubordinateRange& range) {
  return std::uint64_t{range.start} + range.count;
}

}  // namespace

std::string as_text(const SubordinateLine& line) {
  return line.owner + ':' + std::to_string(line.range.start) + ':' +
         std::to_string(line.range.count);
}

std::vector<SubordinateLine> subordinate_lines(std::string_view contents) {
  std::vector<SubordinateLine> lines;
  while (!contents.empty()) {
    const std::size_t length = std::min(contents.find('\n'), contents.size());
    if (auto line = parse_line(contents.substr(0, length))) lines.push_back(std::move(*line));
    contents.remove_prefix(std::min(length + 1, contents.size()));
  }
  return lines;
}

bool do_overlap(const SubordinateRange& left, const SubordinateRange& right) {
  return left.start < end_of(right) && right.start < end_of(left);
}

std::vector<std::pair<SubordinateLine, SubordinateLine>> overlapping_lines(
    std::vector<SubordinateLine> lines) {
  std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.range.start; });
  std::vector<std::pair<SubordinateLine, SubordinateLine>> pairs;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // Sorted by their starts: the first one that begins behind this one's end is the last to ask.
    for (std::size_t j = i + 1; j < lines.size(); ++j) {
      if (!do_overlap(lines[i].range, lines[j].range)) break;
      pairs.emplace_back(lines[i], lines[j]);
    }
  }
  return pairs;
}

std::optional<std::uint32_t> first_gap(std::vector<SubordinateRange> used, std::uint32_t min,
                                       std::uint32_t max, std::uint32_t count) {
  std::ranges::sort(used, {}, &SubordinateRange::start);
  std::uint64_t start = min;
  for (const SubordinateRange& range : used) {
    if (range.start >= start + count) break;
    start = std::max(start, end_of(range));
  }
  if (count == 0 || start + count - 1 > max) return std::nullopt;
  return static_cast<std::uint32_t>(start);
}

}  // namespace cvfs
