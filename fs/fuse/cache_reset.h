// CacheReset: has the kernel ask again for everything that it believes of a view, when it is to
// believe less from now on. On a thread of its own, as telling may wait for requests. One thread
// calls it; the thread ends with the process.
#pragma once

#include <atomic>
#include <thread>

#include "fuse/name_teller.h"
#include "vfs/mount.h"

namespace cvfs {

class CacheReset {
 public:
  explicit CacheReset(Mount& mount) : mount_(mount), teller_(mount.settings.device_fd) {}

  // Begins, or begins anew when it is done. Before Linux 6.18 names that nobody has open are
  // believed for as long as it was said of them.
  void begin();

 private:
  void run();
  void tell_the_rest();

  Mount& mount_;
  NameTeller teller_;  // run()'s
  std::atomic<unsigned> wanted_ = 0;
  std::jthread thread_;
};

}  // namespace cvfs
