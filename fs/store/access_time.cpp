#include "store/access_time.h"

namespace cvfs {

namespace {

bool is_later(const timespec& one, const timespec& other) {
  if (one.tv_sec != other.tv_sec) return one.tv_sec > other.tv_sec;
  return one.tv_nsec > other.tv_nsec;
}

}  // namespace

bool listing_moves_time(unsigned long mount_flags, const sys::FileStatus& status, std::time_t now) {
  if ((mount_flags & (ST_NOATIME | ST_NODIRATIME | ST_RDONLY)) != 0) return false;
  if ((mount_flags & ST_RELATIME) == 0) return true;
  constexpr std::time_t kDay = 24 * 60 * 60;
  const timespec& accessed = status.accessed;
  return !is_later(accessed, status.modified) || !is_later(accessed, status.changed) ||
         now - accessed.tv_sec >= kDay;
}

}  // namespace cvfs
