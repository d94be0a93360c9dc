// NoThreads: while it lives, the process gets no new thread (EAGAIN), as at the limit of a cgroup:
// each would need more memory for its stack than there are addresses.
#pragma once

#include <pthread.h>

#include <cstddef>

namespace cvfs {

class NoThreads {
 public:
  NoThreads() {
    constexpr std::size_t kTooMuch = std::size_t{1} << 50;
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    ::pthread_attr_init(&huge);
    ::pthread_attr_setstacksize(&huge, kTooMuch);
    ::pthread_setattr_default_np(&huge);
    ::pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace cvfs
