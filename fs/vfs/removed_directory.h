// What to answer who makes, moves or removes something in a directory that others have removed,
// while the kernel still believes in it: a path may lead to another directory of that name by now.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/ids.h"
#include "base/result.h"
#include "store/store.h"
#include "vfs/caller.h"

namespace cvfs {

// Who has been told to look a path up again. Any thread.
class AskedAgain {
 public:
  // False: that one asked for the same just before.
  bool is_first(NodeId directory, pid_t pid) {
    const std::uint64_t question =
        directory * 0x9E3779B97F4A7C15U ^ static_cast<std::uint64_t>(pid);
    std::atomic<std::uint64_t>& last = last_[static_cast<std::size_t>(pid) % last_.size()];
    if (last.exchange(question) != question) return true;
    last.store(0);
    return false;
  }

 private:
  std::array<std::atomic<std::uint64_t>, 256> last_ = {};
};

struct Mount;

// What to answer where something asked of a name in `directory` (`node`) came to `error`. If the
// directory is gone, ENOENT (EPERM of O_TMPFILE) becomes ESTALE, so that the kernel looks the path
// up again without believing what it knows (LOOKUP_REVAL). A caller who comes back for the same
// directory, as its own working directory, gets the error itself.
Errno error_in(Mount& mount, const Caller& caller, NodeId node, const File& directory, Errno error);

}  // namespace cvfs
