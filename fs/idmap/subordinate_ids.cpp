#include "idmap/subordinate_ids.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/result.h"
#include "idmap/subordinate_lines.h"

namespace cvfs {
namespace {

constexpr std::uint32_t kUsualCount = 65536;    // login.defs(5): SUB_UID_COUNT
constexpr std::uint32_t kLowestStart = 100000;  // login.defs(5): SUB_UID_MIN

// Where a range may start without touching any line's.
std::uint64_t first_free_start(std::string_view contents) {
  std::uint64_t start = kLowestStart;
  for (const SubordinateLine& line : subordinate_lines(contents)) {
    start = std::max(start, std::uint64_t{line.range.start} + line.range.count);
  }
  return start;
}

Outcome<std::vector<SubordinateRange>> read_ranges(const std::string& path, std::string_view name,
                                                   std::uint32_t uid) {
  const auto contents = TRY(read_host_file(path));
  return subordinate_ranges(contents.value_or(std::string()), name, uid);
}

// What a refusal says about one file, and what would repair it.
struct Repair {
  std::string path;
  std::string option;  // of usermod(8)
  std::string first = "FIRST";
  std::string last = "LAST";

  std::string by_usermod() const { return option + ' ' + first + '-' + last; }
  std::string by_hand(std::string_view name) const {
    return "echo " + std::string(name) + ':' + first + ':' + std::to_string(kUsualCount) + " >>" +
           path;
  }
};

Repair repair(const std::string& path, const std::string& option) {
  Repair repair{path, option};
  const auto contents = read_host_file(path);
  if (!contents) return repair;
  const std::uint64_t start = first_free_start(contents->value_or(std::string()));
  if (start + kUsualCount > kUnmappedId) return repair;  // a gap is for the operator to find
  repair.first = std::to_string(start);
  repair.last = std::to_string(start + kUsualCount - 1);
  return repair;
}

}  // namespace

std::vector<SubordinateRange> subordinate_ranges(std::string_view contents, std::string_view name,
                                                 std::uint32_t id) {
  const std::string number = id == kUnmappedId ? std::string(name) : std::to_string(id);
  std::vector<SubordinateRange> ranges;
  for (const SubordinateLine& line : subordinate_lines(contents)) {
    if (line.owner == name || line.owner == number) ranges.push_back(line.range);
  }
  return ranges;
}

Outcome<SubordinateIds> read_subordinate_ids(std::string_view name, std::uint32_t uid) {
  return read_subordinate_ids(name, uid, HostFiles());
}

Outcome<SubordinateIds> read_subordinate_ids(std::string_view name, std::uint32_t uid,
                                             const HostFiles& files) {
  SubordinateIds ids;
  ids.uids = TRY(read_ranges(files.subuid, name, uid));
  ids.gids = TRY(read_ranges(files.subgid, name, uid));
  return ids;
}

std::vector<IdRange> lay_out(const std::vector<SubordinateRange>& ranges, std::uint32_t first) {
  std::vector<IdRange> laid_out;
  for (const SubordinateRange& range : ranges) {
    laid_out.push_back({first, range.start, range.count});
    first += range.count;
  }
  return laid_out;
}

OperatorError missing_subordinate_ids(const SubordinateIds& ids, std::string object,
                                      std::string_view name, std::uint32_t uid,
                                      std::string_view instead, const HostFiles& files) {
  std::vector<Repair> repairs;
  if (ids.uids.empty()) repairs.push_back(repair(files.subuid, "--add-subuids"));
  if (ids.gids.empty()) repairs.push_back(repair(files.subgid, "--add-subgids"));
  const bool is_in_passwd = uid != kUnmappedId;

  std::string paths;
  std::string hint;
  for (const Repair& repair : repairs) {
    paths += (paths.empty() ? "" : " and ") + repair.path;
    if (is_in_passwd) {
      hint += (hint.empty() ? "usermod " : " ") + repair.by_usermod();
    } else {
      hint += (hint.empty() ? "" : "; ") + repair.by_hand(name);
    }
  }
  if (is_in_passwd) hint += ' ' + std::string(name);
  if (!instead.empty()) hint += ", or " + std::string(instead);
  const std::string who = is_in_passwd ? "uid " + std::to_string(uid) : std::string(name);
  return {ExitCode::kMountFailed, std::move(object),
          "no subordinate ids for " + who + " in " + paths, std::move(hint)};
}

}  // namespace cvfs
