#include "differences.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <regex>
#include <sstream>

namespace differential {

namespace {

using Normal = std::function<mode_t(mode_t)>;

// What stands after "mode=0" everywhere in the text, changed by `normal`.
std::string with_modes(std::string text, const Normal& normal) {
  constexpr const char* kMark = "mode=0";
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    const std::size_t first = at + 6;
    const std::size_t length = text.find(' ', first) - first;
    const auto mode = static_cast<mode_t>(std::strtoul(text.c_str() + first, nullptr, 8));
    char changed[16];
    std::snprintf(changed, sizeof changed, "%o", normal(mode));
    text.replace(first, length, changed);
  }
  return text;
}

// A setgid bit without group execution, which has no effect, is lost by a write, a chown or an ACL
// unless whoever does it is in the file's group. The kernel does not tell a FUSE server whether it
// is (fuse_setattr() drops ATTR_KILL_SGID under HANDLE_KILLPRIV_V2), and writes under passthrough
// as the tenant, who is in none of the groups (backing_file_write_iter(),
// file_remove_privs(); 6.18). It has an effect, lost or not, when group execution is set later.
mode_t without_setgid(mode_t mode) {
  return S_ISDIR(mode) ? mode : mode & ~static_cast<mode_t>(S_ISGID);
}

// Under owner=virtual the bits are in an xattr, of which a write under passthrough knows nothing:
// they go when the file is opened for writing, and stay if they are set after that.
mode_t without_setid(mode_t mode) {
  return S_ISREG(mode) ? mode & ~static_cast<mode_t>(S_ISUID | S_ISGID) : mode;
}

std::string normal_modes(const Policy& policy, const std::string& text) {
  const bool is_unseen = policy.name != "map" && policy.has_passthrough;
  return with_modes(
      text, [&](mode_t mode) { return without_setgid(is_unseen ? without_setid(mode) : mode); });
}

// The kernel keeps a view's symlinks in its cache (FUSE_CACHE_SYMLINKS) and asks nobody, so that
// following one moves no access time.
// Without passthrough it asks nobody either for what it has in its page cache.
std::string without_unseen_reads(const Policy& policy, const std::string& line) {
  // What goes through a fifo moves its times in the kernel's memory alone.
  static const std::regex kFifo("mode=01[0-7]{4} ");
  static const std::regex kTimes("[am]time=[^ ]*|times [a-z]*");
  if (std::regex_search(line, kFifo)) return std::regex_replace(line, kTimes, "");
  const bool is_file = line.find("mode=010") != std::string::npos && !policy.has_passthrough;
  if (line.find("mode=0120777") == std::string::npos && !is_file) return line;
  static const std::regex kAtime("atime=[^ ]*|times (a|none|unmoved)*");
  return std::regex_replace(line, kAtime, "");
}

}  // namespace

std::string comparable(const Policy& policy, const Step&, const std::string& outcome) {
  std::istringstream lines(normal_modes(policy, outcome));
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    all += without_unseen_reads(policy, line) + "\n";
  }
  return all;
}

std::string comparable_line(const Policy& policy, const std::string& line) {
  return without_unseen_reads(policy, normal_modes(policy, line));
}

}  // namespace differential
