// LockOwners: those who lock files of a view, each with an open file description of its own on the
// backing file, by which its locks are held. Which of them may be closed by now: the kernel tells
// of the last close of an open file after close(2) has returned. What belongs to one file is used
// by one thread at a time (FileLocks' stripes).
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "locks/lock_table.h"
#include "vfs/lock_request.h"

namespace cvfs {

struct Mount;

class LockOwners {
 public:
  // Closes a descriptor that its owner has no more when nobody waits by it.
  using Retire = std::function<void(UniqueFd)>;
  // `most`: how many may have a descriptor.
  LockOwners(Mount& mount, LockTable& table, std::size_t most, Retire retire);

  // The asker, with a descriptor that can hold what he wants. kTooMany: there are `most`. ENOLCK:
  // the table is full. Others: those of opening the file.
  // No errno: they end at 4095. The descriptor table may be full besides (EMFILE).
  static constexpr int kTooMany = 4096;
  Result<LockOwnerRecord*> get(const LockRequest& request);
  bool is_full() const { return table_.owner_count() >= most_; }
  // One that perhaps holds nothing and is not waited for: to be dropped if so, when its file's
  // turn is the asker's.
  std::optional<LockOwner> take_idle();

  // Makes what the backing's kernel holds for it what the table says. What an earlier process gave
  // up, and others have had since, is given up in the table as well.
  void restore(LockOwnerRecord& owner);

  // All that it holds goes. False: that was nothing.
  bool drop(LockOwnerRecord& owner);
  void drop_if_idle(LockOwnerRecord& owner);

  // A descriptor of its open file was closed: perhaps the last one.
  void note_close(const LockOwnerRecord& owner);
  bool may_be_closed(const LockOwner& owner);
  // It was not the last one: the kernel would have told by now. Of those before `then`.
  using Clock = std::chrono::steady_clock;
  void forget_closes(const LockOwner& owner, Clock::time_point then);

 private:
  Result<void> open_for(LockOwnerRecord& owner, const LockRequest& request);
  Result<void> reopen_for_writing(LockOwnerRecord& owner, UniqueFd fresh);
  void restore_range(LockOwnerRecord& owner, const HeldRange& held);
  static void close_descriptor(LockOwnerRecord& owner);
  void note_idle(const LockOwnerRecord& owner, bool is_idle);
  void remove(LockOwnerRecord& owner);

  Mount& mount_;
  LockTable& table_;
  std::size_t most_;
  Retire retire_;
  Mutex mutex_;  // a leaf
  // When a descriptor was closed last.
  std::unordered_map<const LockOwnerRecord*, Clock::time_point> closing_ CVFS_GUARDED_BY(mutex_);
  std::unordered_set<LockOwner, LockOwnerHash> idle_ CVFS_GUARDED_BY(mutex_);
};

}  // namespace cvfs
