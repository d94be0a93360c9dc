#include "differences.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

#include "actor.h"
#include "operations.h"

namespace differential {

namespace {

// Under owner=caller everybody sees every file as their own; the files of the view's own root
// show to the host's.
std::string with_everybody(const std::string& text, unsigned uid, unsigned gid) {
  static const std::regex kOwner("owner=([0-9]+):([0-9]+)");
  std::string all;
  auto rest = text.cbegin();
  for (std::smatch at; std::regex_search(rest, text.cend(), at, kOwner); rest = at[0].second) {
    const bool is_everybodys = at[1] == at[2] && std::stoul(at[1]) % 100000 == kEverybody;
    const bool is_own = std::stoul(at[1]) == uid && std::stoul(at[2]) == gid;
    all.append(rest, at[0].first);
    all += is_everybodys || is_own ? "owner=everybody" : at[0].str();
  }
  return all.append(rest, text.cend());
}

// The kernel keeps a view's symlinks in its cache (FUSE_CACHE_SYMLINKS) and asks nobody, so that
// following one moves no access time.
// Without passthrough it asks nobody either for what it has in its page cache.
std::string without_unseen_reads(const Policy& policy, const std::string& line) {
  const std::size_t at = line.find("mode=");
  if (at == std::string::npos) return line;
  const mode_t mode = static_cast<mode_t>(std::strtoul(line.c_str() + at + 5, nullptr, 8));
  // What goes through a fifo moves its times in the kernel's memory alone.
  static const std::regex kTimes("[am]time=[^ ]*|times [a-z]*");
  if (S_ISFIFO(mode)) return std::regex_replace(line, kTimes, "");
  const bool is_file = S_ISREG(mode) && !policy.has_passthrough;
  if (!S_ISLNK(mode) && !is_file) return line;
  static const std::regex kAtime("atime=[^ ]*|times (a|none|unmoved)*");
  return std::regex_replace(line, kAtime, "");
}

// Of several reasons to refuse a step the kernel tells the first that it comes to, and that may be
// another where a view's is found by a request.
bool may_be_refused_otherwise(const Policy& policy, const Step& step, const std::string& native,
                              const std::string& view) {
  if (native.empty() || view.empty()) return false;
  // It does not know that a file is immutable or append-only, and looks at permissions, links and
  // names first.
  if (policy.has_file_flags && native == "EPERM") return true;
  // Under owner=caller it asks whether a directory may be searched when it looks a name up there.
  // By then it has gone to both directories of a rename, or found something wrong with the name.
  static const std::set<std::string_view> kOfTwoPlaces{"rename", "link", "link_slot"};
  static const std::set<std::string_view> kOfTheNameAlone{"ENAMETOOLONG", "EISDIR", "ENOTDIR"};
  const bool is_late =
      kOfTwoPlaces.count(step.operation->name) != 0 || kOfTheNameAlone.count(view) != 0;
  return policy.name == "caller" && native == "EACCES" && is_late;
}

std::string comparable(const Policy& policy, const Step& step, const std::string& outcome) {
  const Identity& self = identities()[static_cast<std::size_t>(step.actor)];
  const bool is_everybodys = policy.name == "caller";
  std::istringstream lines(is_everybodys ? with_everybody(outcome, self.uid, self.gid) : outcome);
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    all += without_unseen_reads(policy, line) + "\n";
  }
  return all;
}

}  // namespace

std::string error_of(const std::string& outcome) {
  const std::size_t first = outcome.find("-1 E");
  if (first > 2) return "";
  const std::size_t name = first + 3;
  return outcome.substr(name, outcome.find_first_of(" \n", name) - name);
}

bool is_same(const Policy& policy, const Step& step, const std::string& native,
             const std::string& view) {
  const std::string expected = comparable(policy, step, native);
  std::string found = comparable(policy, step, view);
  const std::string error = error_of(found);
  if (may_be_refused_otherwise(policy, step, error_of(expected), error)) {
    found.replace(found.find(error), error.size(), error_of(expected));
  }
  return expected == found;
}

std::string comparable_line(const Policy& policy, const std::string& line) {
  const unsigned root = policy.in_container ? 100000 : 0;
  const std::string owned = policy.name == "caller" ? with_everybody(line, root, root) : line;
  return without_unseen_reads(policy, owned);
}

}  // namespace differential
