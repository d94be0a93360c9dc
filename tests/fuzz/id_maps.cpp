// Id maps, as options and as the kernel's files have them.
#include "fuzz.h"
#include "idmap/id_map.h"

namespace cvfs {
namespace {

void check_map(const IdMap& map) {
  for (const IdRange& range : map.ranges()) {
    for (const std::uint32_t inside : {range.inside, range.inside + range.count - 1}) {
      const auto outside = map.to_outside(inside);
      fuzz::require(outside && map.to_inside(*outside) == inside, "there and back is the same id");
    }
  }
  fuzz::require(!map.to_outside(UINT32_MAX) && !map.to_inside(UINT32_MAX), "no id stays no id");
  const auto again = parse_id_map(map.text(), "again");
  fuzz::require(again && *again == map, "what a map says of itself is the map");
}

void check_parsed(const Outcome<IdMap>& map) {
  if (map) {
    check_map(*map);
  } else {
    fuzz::require_readable(map.error());
  }
}

}  // namespace
}  // namespace cvfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text = cvfs::fuzz::text_of(data, size);
  cvfs::check_parsed(cvfs::parse_id_map(text, "uidmap"));
  cvfs::check_parsed(cvfs::parse_proc_id_map(text, "uid_map"));
  return 0;
}
