// Mutexes that clang's thread-safety analysis understands (-Wthread-safety). What is locked in
// which order stands in docs/locking.md.
#pragma once

#include <mutex>

#if defined(__clang__)
#define CVFS_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define CVFS_THREAD_ATTRIBUTE(x)
#endif

#define CVFS_CAPABILITY(x) CVFS_THREAD_ATTRIBUTE(capability(x))
#define CVFS_SCOPED_CAPABILITY CVFS_THREAD_ATTRIBUTE(scoped_lockable)
#define CVFS_GUARDED_BY(x) CVFS_THREAD_ATTRIBUTE(guarded_by(x))
#define CVFS_REQUIRES(...) CVFS_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define CVFS_ACQUIRE(...) CVFS_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define CVFS_RELEASE(...) CVFS_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace cvfs {

class CVFS_CAPABILITY("mutex") Mutex {
 public:
  void lock() CVFS_ACQUIRE() { mutex_.lock(); }
  void unlock() CVFS_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class CVFS_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CVFS_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() CVFS_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace cvfs
