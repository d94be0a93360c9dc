// AskedAgain: who has been told to look a path up again (vfs/removed_directory.h), and comes back.
// In the state memory (section kAskedAgain), as they may come back to the next process. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mutex.h"

namespace cvfs {

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

}  // namespace cvfs
