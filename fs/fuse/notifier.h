// Notifier: keeps what the kernel believes of a view true while others change the tree behind it:
// reads the watch on the backing filesystem (sys/filesystem_watch.h) and tells the kernel what to
// ask for again. docs/caching.md has the whole rule. A thread of its own; it holds no lock of cvfs
// while it tells the kernel anything.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "fuse/busy_files.h"
#include "fuse/name_teller.h"
#include "journal/watch_area.h"
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

  // Calls `then` when the kernel has been told of all that others had changed before this, so that
  // a lock's holder sees what the one before him did: at once on this thread, or on the notifier's,
  // which it must not keep waiting. Names whose telling stalls (NameTeller) are not waited for, nor
  // is what is changed later. Any thread.
  void after_told(std::function<void()> then);

 private:
  void run();
  // What some events come to. Names are told last, and together: that may have to wait.
  struct Batch {
    std::set<NodeId> inodes;
    std::set<NodeId> directories;           // with their listings
    std::map<NodeId, FileId> perhaps_gone;  // files whose last name may have been removed
    std::vector<NameChange> names;
  };
  // A name that is to be told once more.
  struct Later {
    std::uint64_t due_us;
    NameChange change;
  };
  // An inode that the kernel did not know when it was told of a change.
  struct Early {
    NodeId node;
    bool listing;
    int attempts;
  };

  void finish_earlier();
  void wait();
  void pause();
  bool read_events();
  std::size_t read_some();
  void call_waiting();
  void begin_work();
  bool rest();
  void carry_out(std::span<const std::byte> events);
  void add(const sys::FilesystemEvent& event);
  bool add_file(const sys::FileHandle& file);
  void note_name(const sys::FilesystemEvent& event);
  void add_perhaps_gone(const sys::FileHandle& file);
  void add_names(const sys::FilesystemEvent& event);

  void tell();
  void tell_inode(NodeId node, bool listing, int attempts);
  void tell_early_again();
  void tell_names(std::vector<NameChange> names);
  void tell_names_again();
  void prune_what_is_gone();
  void doubt_names();
  void refresh(const char* why);
  void carry_out_refresh();
  void refresh_if_due();
  void note_what_waits();
  void count(std::uint64_t invalidations);

  Mount& mount_;
  int device_fd_;
  int watch_fd_;
  std::int32_t own_pid_;
  WatchArea& area_;
  Batch batch_;
  NameTeller teller_;
  std::deque<Later> soon_;
  std::deque<Later> later_;
  std::vector<Early> early_;
  std::uint64_t refresh_due_us_ = 0;  // 0: not at all
  BusyFiles busy_;
  std::jthread thread_;
  bool has_ended_ = false;

  Mutex mutex_;
  std::condition_variable_any has_waiting_;
  std::vector<std::function<void()>> waiting_ CVFS_GUARDED_BY(mutex_);
  bool is_working_ CVFS_GUARDED_BY(mutex_) = true;  // what was read may not have been told
};

}  // namespace cvfs
