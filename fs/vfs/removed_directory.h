// What to answer who makes, moves or removes something in a directory that others have removed,
// while the kernel still believes in it: a path may lead to another directory of that name by now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "journal/journal.h"
#include "store/store.h"
#include "vfs/caller.h"

namespace cvfs {

// Who has been told to look a path up again; in the state memory (section kAskedAgain), as they may
// come back to the next process. Any thread.
class AskedAgain {
 public:
  static constexpr std::uint32_t kLayoutVersion = 1;
  static std::size_t bytes() { return kSets * kWays * sizeof(Question); }

  explicit AskedAgain(std::span<std::byte> memory)
      : questions_(reinterpret_cast<Question*>(memory.data()), kSets * kWays) {}

  // False: `pid` comes back, having asked for something in `directory` before. The same `request`
  // (its number on the connection) has the same answer, however often it is sent. `directory`: a
  // number that no other ever has.
  bool is_first(std::uint64_t directory, pid_t pid, std::uint64_t request);

 private:
  struct Question {
    std::uint64_t directory;  // 0: none
    std::uint64_t first;      // the request that was told
    std::uint64_t second;     // the one that came back; 0: none yet
    pid_t pid;
    std::uint32_t unused;
  };
  static constexpr std::size_t kSets = 64;
  static constexpr std::size_t kWays = 16;

  // The question, or the place of the oldest of its set.
  Question& place_of(std::uint64_t directory, pid_t pid) CVFS_REQUIRES(mutex_);

  Mutex mutex_;
  std::span<Question> questions_ CVFS_GUARDED_BY(mutex_);
};

struct Mount;

// What to answer where something asked of a name in `directory` (`node`; and in `other`, of a
// rename) came to `error`. If the directory is gone, ENOENT (EPERM of O_TMPFILE) becomes ESTALE, so
// that the kernel looks the path up again without believing what it knows (LOOKUP_REVAL). A caller
// who comes back for the same directory, as its own working directory, gets the error itself.
Errno error_in(Mount& mount, const Intent& intent, const Caller& caller, NodeId node, Errno error,
               const File& directory, const File* other = nullptr);

}  // namespace cvfs
