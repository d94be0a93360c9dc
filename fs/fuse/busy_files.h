// BusyFiles: files that are written all the time, by whomever. Each write would cost the writer an
// event and the notifier a look: instead, the watch is told to pass over writes to such a file for
// a while, and what the kernel believes of it is taken for old every few milliseconds meanwhile.
// The notifier's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "journal/watch_area.h"
#include "vfs/mount.h"

namespace cvfs {

class BusyFiles {
 public:
  // Has the kernel ask for the attributes of this file again, if the view knows it.
  using Tell = std::function<void(const sys::FileHandle&)>;

  // `watch_fd` is borrowed.
  BusyFiles(Mount& mount, int watch_fd, WatchArea& area)
      : mount_(mount), watch_fd_(watch_fd), area_(area) {}

  // What an earlier process passed over is heard again.
  void finish_earlier(const Tell& tell);

  // Some of what was read says that the file has been written to.
  void note(const sys::FileHandle& handle);

  // After what was read, and every kTickMs as long as a file is passed over.
  void look(const Tell& tell);

  bool passes_over_any() const { return passed_over_ != 0; }
  static constexpr int kTickMs = 5;

 private:
  struct Busy {
    FileId id;
    int looks = 0;  // that found it written to
    bool is_noted = false;
    std::uint64_t until_us = 0;  // passed over, or kept in mind
    File file;                   // while it is passed over: it may be unlinked meanwhile
    WatchArea::PassedOver* place = nullptr;
  };

  void pass_over(Busy& busy, std::uint64_t now_us);
  void hear(Busy& busy, std::uint64_t now_us);

  Mount& mount_;
  int watch_fd_;
  WatchArea& area_;
  std::map<std::string, Busy> files_;  // by the bytes of their handles
  unsigned passed_over_ = 0;
};

}  // namespace cvfs
