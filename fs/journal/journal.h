// Journal: what each request in flight meant to do and has done, in the state memory, so that a
// request which the kernel sends again after the serving process died is carried out exactly once
// as seen by the application (docs/crash.md). One slot a serving thread; each request writes its
// thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/operator_error.h"
#include "base/result.h"
#include "journal/view_state.h"
#include "sys/process.h"

namespace cvfs {

enum class Stage : std::uint32_t {
  kReceived = 1,  // nothing has been changed
  kIntent = 2,    // the change may have been made, or not
  kDone = 3,      // it was made, or refused; `error` says which
};

// The most inodes that one reply (READDIRPLUS) introduces.
inline constexpr std::size_t kMaxLookups = 120;

struct IntentRecord {
  std::atomic<std::uint64_t> unique;  // the request's number on the connection; 0: no request
  std::uint64_t node;
  std::uint32_t opcode;
  std::atomic<Stage> stage;
  std::int32_t error;                      // an errno, or 0; valid when done
  std::uint32_t deaths;                    // how many processes ended while they worked on it
  std::uint32_t faults;                    // those among them that may have been its fault
  std::atomic<std::uint32_t> is_replying;  // the kernel may have what the reply hands to it
  std::int64_t intent_seconds;             // CLOCK_REALTIME_COARSE, the clock of file timestamps
  std::int64_t intent_nanoseconds;
  // What was there before, where the operation needs it: a number for the file at the name (unlink,
  // rmdir, rename; op_remove.cpp), its size (truncation.h; an append), whether there was an xattr.
  std::uint64_t detail;
  // Since when a process works on it (sys::monotonic_us), and with which thread. A record
  // that a dead process left still says that one's.
  std::atomic<std::uint64_t> begun_us;
  std::atomic<std::int32_t> tid;
  std::atomic<HandleId> handle;  // that was opened for the reply; 0: none
  std::atomic<std::uint32_t> lookup_count;
  NodeId lookups[kMaxLookups];  // of inodes, counted for the reply
};

// The request at hand, on one thread. Reads what an earlier process left of it, if it died over it.
class Intent {
 public:
  Intent() = default;
  explicit Intent(IntentRecord* record) : record_(record) {}

  // An earlier process had begun with it, at least, and this one has planned nothing yet.
  bool resumed() const { return resumed_; }
  // Its number on the connection.
  std::uint64_t request() const { return record_->unique.load(std::memory_order_relaxed); }
  Stage stage() const { return record_->stage.load(std::memory_order_acquire); }
  std::uint32_t deaths() const { return record_->deaths; }
  std::uint32_t faults() const { return record_->faults; }
  // So many processes died of it that no other is to try.
  bool is_hopeless() const;

  // The change is made from here on, by this process. `detail`: see IntentRecord.
  void plan(std::uint64_t detail = 0);
  void done(Errno error);
  void done();
  // An earlier process had come to plan() at least; its `detail` is there.
  bool planned() const { return resumed_ && stage() != Stage::kReceived; }
  std::uint64_t detail() const { return record_->detail; }
  // What an earlier process recorded; once: what the operation does next is new.
  Result<void> take_outcome();

  // Could something with this timestamp have been made since plan()?
  bool is_since_plan(const timespec& time) const;
  // Was it before the earlier process ended? False if that is not known, nor for whole seconds.
  bool is_before_death(const timespec& time) const;

  // What the reply will hand to the kernel; noted after it has been done. At most kMaxLookups.
  void counted(NodeId node);
  // The same for what is taken back before the reply; no crash point, as nothing is executed yet.
  void counted_meanwhile(NodeId node);
  void opened(HandleId handle);
  bool has_room_for_lookups() const { return record_->lookup_count < kMaxLookups; }
  // The opposite, noted before it is done: a death in between leaves a count that is too high,
  // which costs memory, and never one that is too low.
  void uncount(NodeId node);
  // From here on the kernel may own them.
  void replying() { record_->is_replying.store(1, std::memory_order_release); }
  // What an earlier process noted, one after the other; 0: no more.
  NodeId take_lookup();
  HandleId take_handle() { return record_->handle.exchange(0); }

 private:
  friend class JournalSlot;
  IntentRecord* record_ = nullptr;
  bool resumed_ = false;
  std::uint64_t died_at_us_ = 0;  // when the earlier process ended, as Death has it
};

// How the last process ended.
struct Death {
  WorkerEnd end = WorkerEnd::kKilled;
  std::uint64_t faulty_request = 0;  // see ViewState
  std::uint64_t at_us = 0;           // at the latest, by sys::monotonic_us(); 0: not known
};

class Journal {
 public:
  static constexpr std::uint32_t kLayoutVersion = 3;
  static constexpr std::size_t kSlots = 256;
  static std::size_t bytes() { return kSlots * sizeof(IntentRecord); }

  // All slots of the section kJournal, for who only looks on.
  static std::span<IntentRecord> records_in(std::span<std::byte> section) {
    return {reinterpret_cast<IntentRecord*>(section.data()), section.size() / sizeof(IntentRecord)};
  }

  // Of the versions before, as section.h has it.
  static Outcome<void> migrate(std::span<const std::byte> old, std::uint32_t old_version,
                               std::span<std::byte> fresh);

  // In zeroed memory of bytes(), or in what an earlier process left there.
  explicit Journal(std::span<std::byte> memory);

  // The requests that earlier processes left: those that the kernel does not send again had been
  // answered.
  std::size_t orphans() const { return orphans_.size(); }
  void drop_orphans();
  // Those among them whose answer the kernel cannot have: their callers were killed before they
  // were sent again. What they counted and opened is to be taken back.
  std::vector<Intent> unanswered_orphans() const;

  void note_death(const Death& death) { death_ = death; }

 private:
  friend class JournalSlot;

  IntentRecord* take_slot();
  void give_back(IntentRecord* record);
  IntentRecord* orphan(std::uint64_t unique);
  // May the last process have died of it?
  bool is_suspect(std::uint64_t unique) const;

  std::span<IntentRecord> records_;
  Death death_;                         // as orphans_
  std::vector<IntentRecord*> orphans_;  // by the thread whose turn it is (fuse/resent_turn.h)
  Mutex mutex_;
  std::vector<IntentRecord*> free_ CVFS_GUARDED_BY(mutex_);
};

// A thread's place in the journal. Made by that thread, and not shared.
class JournalSlot {
 public:
  // Aborts if there are more threads than slots.
  explicit JournalSlot(Journal& journal);
  ~JournalSlot() { journal_.give_back(record_); }
  JournalSlot(const JournalSlot&) = delete;
  JournalSlot& operator=(const JournalSlot&) = delete;

  // `resent`: the kernel says that somebody may have worked on it before. `now_us`: on
  // sys::monotonic_us()'s clock, a few milliseconds late at most.
  Intent begin(std::uint64_t unique, std::uint32_t opcode, std::uint64_t node, bool resent,
               std::uint64_t now_us = sys::coarse_monotonic_us());
  // It is answered.
  void end();

 private:
  // On this thread, from now on.
  void begin_to_work(std::uint64_t now_us);

  Journal& journal_;
  IntentRecord* record_;
  std::int32_t tid_;
};

// Makes a change exactly once. `execute() -> Result<void>` makes it; `was_made() -> bool` finds out
// whether an earlier process had come to make it.
template <class Execute, class WasMade>
Result<void> exactly_once(Intent& intent, Execute execute, WasMade was_made,
                          std::uint64_t detail = 0) {
  if (intent.resumed()) {
    if (intent.stage() == Stage::kDone) return intent.take_outcome();
    if (intent.stage() == Stage::kIntent && was_made()) {
      intent.done();
      return intent.take_outcome();
    }
  }
  intent.plan(detail);
  const Result<void> result = execute();
  if (result) {
    intent.done();
  } else {
    intent.done(result.error());
  }
  return result;
}

}  // namespace cvfs
