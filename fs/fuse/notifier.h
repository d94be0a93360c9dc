// Notifier: keeps what the kernel believes of a view true while others change the tree behind it:
// reads the watch on the backing filesystem (sys/filesystem_watch.h) and tells the kernel what to
// ask for again. docs/caching.md has the whole rule. A thread of its own; it holds no lock of cvfs
// while it tells the kernel anything.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fuse/busy_files.h"
#include "journal/watch_area.h"
#include "sys/detached_call.h"
#include "sys/filesystem_watch.h"
#include "vfs/mount.h"

namespace cvfs {

class Notifier {
 public:
  // `device_fd` (the connection) and `watch_fd` are borrowed. Goes on where an earlier process
  // ended.
  Notifier(Mount& mount, int device_fd, int watch_fd);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Begins, in a thread of its own that works until the process ends or the view is unmounted: this
  // must not be destroyed before.
  void start();

 private:
  void run();
  // What some events come to. Names are told last, and together: that may have to wait.
  struct Batch {
    std::set<NodeId> inodes;
    std::set<NodeId> directories;    // with their listings
    std::vector<std::string> names;  // messages (sys/fuse_notification.h)
  };
  // An inode that the kernel did not know when it was told of a change.
  struct Early {
    NodeId node;
    bool listing;
    int attempts;
  };

  void finish_earlier();
  void wait();
  bool read_events();
  void carry_out(std::span<const std::byte> events);
  void add(const sys::FilesystemEvent& event);
  bool add_file(const sys::FileHandle& file);
  void add_name(const sys::FilesystemEvent& event, bool is_known_new_directory);

  void tell();
  void tell_inode(NodeId node, bool listing, int attempts);
  void tell_early_again();
  void tell_names();
  void expire_names();
  void drop_everything();
  void count(std::uint64_t invalidations);

  Mount& mount_;
  int device_fd_;
  int watch_fd_;
  std::int32_t own_pid_;
  WatchArea& area_;
  Batch batch_;
  std::vector<std::string> told_names_;  // of the call that runs, which may outlast us
  sys::DetachedCall call_;
  struct Telling {
    int device_fd;
    const std::vector<std::string>* names;
  } telling_{};
  std::vector<Early> early_;
  BusyFiles busy_;
  std::thread thread_;
  bool has_ended_ = false;
};

}  // namespace cvfs
