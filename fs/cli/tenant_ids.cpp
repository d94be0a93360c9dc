#include "cli/tenant_ids.h"

#include <algorithm>
#include <sstream>

#include "base/result.h"
#include "cli/program.h"
#include "control/printable.h"
#include "idmap/parse_number.h"
#include "idmap/subordinate_lines.h"

namespace cvfs {
namespace {

constexpr const char* kLoginDefs = "/etc/login.defs";
constexpr int kUsermodSeconds = 30;

// One of the two files, and how login.defs(5) and usermod(8) call what is in it.
struct Kind {
  const std::string& path;
  const char* prefix;  // SUB_UID_MIN
  const char* add;
  const char* remove;
  const char* ids_in_use;  // a passwd(5) or group(5): the third field is an id
};

Kind uid_kind(const HostFiles& files) {
  return {files.subuid, "SUB_UID_", "--add-subuids", "--del-subuids", "/etc/passwd"};
}
Kind gid_kind(const HostFiles& files) {
  return {files.subgid, "SUB_GID_", "--add-subgids", "--del-subgids", "/etc/group"};
}

std::uint32_t login_def(const std::string& name, std::uint32_t usual) {
  const auto contents = read_host_file(kLoginDefs);
  if (!contents || !*contents) return usual;
  std::istringstream lines(**contents);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    std::string value;
    if (words >> word >> value && word == name) return parse_number(value).value_or(usual);
  }
  return usual;
}

Outcome<std::vector<SubordinateLine>> lines_of(const Kind& kind) {
  return subordinate_lines(TRY(read_host_file(kind.path)).value_or(std::string()));
}

bool is_of(const SubordinateLine& line, const User& user) {
  return line.owner == user.name || line.owner == std::to_string(user.uid);
}

std::vector<SubordinateRange> ranges_of(const std::vector<SubordinateLine>& lines) {
  std::vector<SubordinateRange> ranges;
  ranges.reserve(lines.size());
  for (const SubordinateLine& line : lines) ranges.push_back(line.range);
  return ranges;
}

// A user with an id of the range could read what a container has written.
Outcome<std::vector<SubordinateRange>> ranges_in_use(const Kind& kind) {
  std::vector<SubordinateRange> used = ranges_of(TRY(lines_of(kind)));
  std::istringstream lines(TRY(read_host_file(kind.ids_in_use)).value_or(std::string()));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string id;
    for (int i = 0; i < 3; ++i) std::getline(fields, id, ':');
    if (const auto number = parse_number(id)) used.push_back({*number, 1});
  }
  return used;
}

Outcome<void> check_no_overlap(const User& user, const Kind& kind) {
  for (const auto& [left, right] : overlapping_lines(TRY(lines_of(kind)))) {
    if (!is_of(left, user) && !is_of(right, user)) continue;
    const SubordinateLine& own = is_of(left, user) ? left : right;
    return refuse(kind.path,
                  printable("the lines " + as_text(left) + " and " + as_text(right) +
                            " share ids: each could read the other's files"),
                  "usermod " + std::string(kind.remove) + ' ' + std::to_string(own.range.start) +
                      '-' + std::to_string(own.range.start + own.range.count - 1) + ' ' +
                      user.name + ", if nothing is stored with them, and cvfs tenant add " +
                      user.name);
  }
  return {};
}

// The same numbers for uids and gids are easier to read: the first gap of both files.
Outcome<SubordinateRange> free_range(const HostFiles& files, const SubordinateIds& ids) {
  const Kind uids = uid_kind(files);
  const std::uint32_t min = login_def("SUB_UID_MIN", 100000);
  const std::uint32_t max = login_def("SUB_UID_MAX", 600100000);
  const std::uint32_t count = login_def("SUB_UID_COUNT", 65536);
  std::vector<SubordinateRange> used = TRY(ranges_in_use(uids));
  for (const SubordinateRange& range : TRY(ranges_in_use(gid_kind(files)))) used.push_back(range);
  // One that an interrupted add gave in one file alone is the one to give in the other.
  const std::vector<SubordinateRange>& half = ids.uids.empty() ? ids.gids : ids.uids;
  const auto& other = ids.uids.empty() ? uids : gid_kind(files);
  if (!half.empty()) {
    const auto taken = ranges_of(TRY(lines_of(other)));
    if (std::ranges::none_of(taken, [&](const auto& r) { return do_overlap(r, half.front()); })) {
      return half.front();
    }
  }
  const auto start = first_gap(std::move(used), min, max, count);
  if (start) return SubordinateRange{*start, count};
  return refuse(files.subuid,
                "no " + std::to_string(count) + " ids are free between SUB_UID_MIN and SUB_UID_MAX",
                "a higher SUB_UID_MAX in " + std::string(kLoginDefs));
}

std::string span_of(const SubordinateRange& range) {
  return std::to_string(range.start) + '-' + std::to_string(range.start + (range.count - 1));
}

Outcome<void> run_usermod(std::vector<std::string> words, const User& user) {
  words.push_back(user.name);
  std::string by_hand = "usermod";
  for (const std::string& word : words) by_hand.append(" ").append(word);
  const auto usermod = find_program("usermod");
  if (!usermod) {
    return refuse(OperatorError{
        ExitCode::kSystem, "usermod",
        "is not installed, and locks " + std::string("/etc/subuid for whoever writes there"),
        "apt-get install passwd, or --no-subids for owner=virtual"});
  }
  words.insert(words.begin(), *usermod);
  const ProgramEnd end = TRY(run_program(words, kUsermodSeconds));
  if (end.exit_code == 0) return {};
  std::string said = end.err.substr(0, end.err.find('\n'));
  if (said.empty()) said = "usermod: exit code " + std::to_string(end.exit_code);
  return refuse(OperatorError{ExitCode::kSystem, user.name, printable(said), printable(by_hand)});
}

Outcome<void> give(const User& user, const SubordinateIds& ids, const SubordinateRange& range) {
  std::vector<std::string> words;
  if (ids.uids.empty()) words.insert(words.end(), {"--add-subuids", span_of(range)});
  if (ids.gids.empty()) words.insert(words.end(), {"--add-subgids", span_of(range)});
  return run_usermod(std::move(words), user);
}

Outcome<void> take_back(const User& user, const SubordinateIds& before,
                        const SubordinateRange& range) {
  std::vector<std::string> words;
  if (before.uids.empty()) words.insert(words.end(), {"--del-subuids", span_of(range)});
  if (before.gids.empty()) words.insert(words.end(), {"--del-subgids", span_of(range)});
  return run_usermod(std::move(words), user);
}

}  // namespace

Outcome<void> check_no_overlap(const User& user, const HostFiles& files) {
  TRY(check_no_overlap(user, uid_kind(files)));
  return check_no_overlap(user, gid_kind(files));
}

Outcome<GivenIds> give_subordinate_ids(const User& user, const HostFiles& files) {
  TRY(check_no_overlap(user, files));
  const SubordinateIds before = TRY(read_subordinate_ids(user.name, user.uid, files));
  if (before.complete()) return GivenIds{before, false};
  // Somebody else's usermod may take the same range between the look and the deed.
  constexpr int kAttempts = 3;
  for (int i = 1;; ++i) {
    const SubordinateRange range = TRY(free_range(files, before));
    TRY(give(user, before, range));
    const auto checked = check_no_overlap(user, files);
    if (checked) return GivenIds{TRY(read_subordinate_ids(user.name, user.uid, files)), true};
    TRY(take_back(user, before, range));
    if (i == kAttempts) return refuse(checked.error());
  }
}

std::string text_of(const std::vector<SubordinateRange>& ranges) {
  std::string text;
  for (const SubordinateRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.start) + ':' + std::to_string(range.count);
  }
  return text.empty() ? "none" : text;
}

}  // namespace cvfs
