// Option strings, as they come after -o and in fstab.
#include "control/default_options.h"
#include "control/view_options.h"
#include "fuzz.h"

namespace cvfs {
namespace {

bool are_alike(const ViewOptions& a, const ViewOptions& b) {
  return a.userns == b.userns && a.uidmap == b.uidmap && a.owner == b.owner &&
         a.cache.mode == b.cache.mode && a.threads == b.threads && a.mount_flags == b.mount_flags;
}

void parse(std::string_view text, bool sloppy) {
  const auto options = parse_view_options(text, sloppy);
  if (!options) return fuzz::require_readable(options.error());
  fuzz::require(options->threads <= 64, "threads in their range");
  fuzz::require(options->cache.ttl_seconds >= 0 && options->cache.ttl_seconds <= 86400,
                "a time in its range");
  fuzz::require(options->containerdata.starts_with('/'), "an absolute path");
  // What comes first changes nothing of what is said later.
  const auto twice = parse_view_options(std::string(text) + ',' + std::string(text), sloppy);
  fuzz::require(twice && are_alike(*options, *twice), "said twice it is the same");
  (void)with_defaults("userns=host,cache=none", text);
}

}  // namespace
}  // namespace cvfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text = cvfs::fuzz::text_of(data, size);
  cvfs::parse(text, false);
  cvfs::parse(text, true);
  return 0;
}
