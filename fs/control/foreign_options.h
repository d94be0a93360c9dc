// Options of other FUSE filesystems (bindfs, fuse-overlayfs, mergerfs, sshfs, and libfuse's own)
// that people have in fstab and know by heart: what each is here. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cvfs {

enum class ForeignMeaning {
  kSame,     // as `here`, which is put in its place
  kAlways,   // every view is so: passed over
  kRefused,  // not the same: `here` is what to say instead
};

struct ForeignOption {
  std::string_view name;   // "attr_timeout"
  std::string_view whose;  // "libfuse"
  ForeignMeaning meaning;
  std::string_view here;  // an option of cvfs, % for the value; or a sentence in brackets
};

std::span<const ForeignOption> foreign_options();

// nullptr: nobody's that we know.
const ForeignOption* find_foreign_option(std::string_view name);

// `option.here`, with the value that was said; without one, with "VALUE".
std::string here(const ForeignOption& option, std::string_view value);

}  // namespace cvfs
