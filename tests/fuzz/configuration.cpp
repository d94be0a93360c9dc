// Files that an administrator writes: /etc/cvfs/cvfs.conf, Docker's daemon.json, /etc/subuid. The
// first byte says which.
#include <sys/mman.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "control/default_options.h"
#include "control/view_options.h"
#include "fuzz.h"
#include "idmap/subordinate_ids.h"
#include "idmap/subordinate_lines.h"
#include "idmap/user_namespace.h"

namespace cvfs {
namespace {

class File {
 public:
  explicit File(std::string_view content) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    (void)!::write(fd_.get(), content.data(), content.size());
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  UniqueFd fd_;
};

void read_defaults(std::string_view content) {
  const File file(content);
  const auto options = read_default_options(file.path());
  if (!options) return fuzz::require_readable(options.error());
  fuzz::require(parse_view_options(*options).has_value(), "defaults that are read are options");
}

void read_daemon_json(std::string_view content) {
  const File file(content);
  const File ranges("dockremap:100000:65536\n1000:200000:65536\n");
  HostFiles files;
  files.daemon_json = file.path();
  files.subuid = files.subgid = ranges.path();
  const auto map = resolve_user_namespace({}, files);
  if (!map) fuzz::require_readable(map.error());
}

void read_ranges(std::string_view content) {
  std::vector<SubordinateRange> used;
  for (const SubordinateLine& line : subordinate_lines(content)) {
    fuzz::require(!as_text(line).empty(), "a line is a text");
    used.push_back(line.range);
  }
  (void)overlapping_lines(subordinate_lines(content));
  const auto gap = first_gap(used, 100'000, 600'000'000, 65536);
  if (!gap) return;
  for (const SubordinateRange& range : used) {
    fuzz::require(!do_overlap(range, {*gap, 65536}), "a gap has no id that is used");
  }
  (void)lay_out(subordinate_ranges(content, "toto", 1500), 1);
}

}  // namespace
}  // namespace cvfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view content = cvfs::fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      cvfs::read_defaults(content);
      break;
    case 1:
      cvfs::read_daemon_json(content);
      break;
    default:
      cvfs::read_ranges(content);
  }
  return 0;
}
