#include "journal/journal.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "journal/crash_point.h"
#include "sys/process.h"

namespace cvfs {

namespace {

constexpr std::uint32_t kMaxFaults = 3;
// Whoever kills workers one after the other is not to make a slow fsync fail; whatever has the
// kernel kill them (memory) must not go on for ever.
constexpr std::uint32_t kMaxDeaths = 30;

std::int64_t to_us(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

void Intent::plan(std::uint64_t detail) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  resumed_ = false;
  record_->detail = detail;
  record_->intent_seconds = now.tv_sec;
  record_->intent_nanoseconds = now.tv_nsec;
  record_->stage.store(Stage::kIntent, std::memory_order_release);
  crash_point(CrashPoint::kIntent);
}

void Intent::done(Errno error) {
  crash_point(CrashPoint::kExecuted);
  record_->error = error.value;
  record_->stage.store(Stage::kDone, std::memory_order_release);
  crash_point(CrashPoint::kDone);
}

void Intent::done() {
  done(Errno{0});
}

Result<void> Intent::take_outcome() {
  resumed_ = false;
  if (record_->error != 0) return fail(record_->error);
  return {};
}

void Intent::counted(NodeId node) {
  counted_meanwhile(node);
  crash_point(CrashPoint::kExecuted);
}

void Intent::counted_meanwhile(NodeId node) {
  const std::uint32_t count = record_->lookup_count.load(std::memory_order_relaxed);
  if (count >= kMaxLookups) std::abort();
  record_->lookups[count] = node;
  record_->lookup_count.store(count + 1, std::memory_order_release);
}

void Intent::opened(HandleId handle) {
  record_->handle.store(handle, std::memory_order_release);
  crash_point(CrashPoint::kExecuted);
}

void Intent::uncount(NodeId node) {
  const std::uint32_t count = record_->lookup_count.load(std::memory_order_relaxed);
  NodeId* const last = record_->lookups + count;
  NodeId* const found = std::find(record_->lookups, last, node);
  if (found == last) return;
  *found = last[-1];
  record_->lookup_count.store(count - 1, std::memory_order_release);
}

NodeId Intent::take_lookup() {
  const std::uint32_t count = record_->lookup_count.load(std::memory_order_relaxed);
  if (count == 0) return 0;
  record_->lookup_count.store(count - 1, std::memory_order_release);
  return record_->lookups[count - 1];
}

bool Intent::is_hopeless() const {
  return record_->faults >= kMaxFaults || record_->deaths >= kMaxDeaths;
}

bool Intent::is_since_plan(const timespec& time) const {
  // Of a filesystem with whole seconds (ext4 with inodes of 128 bytes).
  if (time.tv_nsec == 0) return std::int64_t{time.tv_sec} >= record_->intent_seconds;
  return std::pair(std::int64_t{time.tv_sec}, std::int64_t{time.tv_nsec}) >=
         std::pair(record_->intent_seconds, record_->intent_nanoseconds);
}

bool Intent::is_before_death(const timespec& time) const {
  if (died_at_us_ == 0 || time.tv_nsec == 0) return false;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t ago_us = to_us(now) - to_us(time);
  return ago_us >= static_cast<std::int64_t>(sys::monotonic_us() - died_at_us_);
}

namespace {

// Version 1 lacked `begun_us` and `tid`; what is before and after them was the same.
void insert_times(std::span<const std::byte> old, std::span<std::byte> fresh) {
  constexpr std::size_t kBefore = offsetof(IntentRecord, begun_us);
  constexpr std::size_t kAfter = offsetof(IntentRecord, handle);
  constexpr std::size_t kOldBytes = kBefore + sizeof(IntentRecord) - kAfter;
  for (std::size_t i = 0; i < Journal::kSlots; ++i) {
    const auto from = old.subspan(i * kOldBytes, kOldBytes);
    const auto to = fresh.subspan(i * sizeof(IntentRecord), sizeof(IntentRecord));
    std::ranges::copy(from.first(kBefore), to.begin());
    std::ranges::copy(from.subspan(kBefore), to.begin() + kAfter);
  }
}

}  // namespace

// Up to version 2 `detail` of a rename was an inode number, and that of unlink and rmdir nothing:
// what stood at the name is not known.
Outcome<void> Journal::migrate(std::span<const std::byte> old, std::uint32_t old_version,
                               std::span<std::byte> fresh) {
  if (old_version == 1) {
    insert_times(old, fresh);
  } else {
    std::ranges::copy(old, fresh.begin());
  }
  for (IntentRecord& record : records_in(fresh)) {
    if (record.opcode == FUSE_RENAME || record.opcode == FUSE_RENAME2) record.detail = 0;
  }
  return {};
}

Journal::Journal(std::span<std::byte> memory) : records_(records_in(memory)) {
  hold_at_start();
  const MutexLock lock(mutex_);
  for (IntentRecord& record : records_) {
    if (record.unique == 0) {
      free_.push_back(&record);
    } else {
      orphans_.push_back(&record);
    }
  }
}

IntentRecord* Journal::take_slot() {
  const MutexLock lock(mutex_);
  if (free_.empty()) std::abort();
  IntentRecord* record = free_.back();
  free_.pop_back();
  return record;
}

void Journal::give_back(IntentRecord* record) {
  record->unique = 0;
  const MutexLock lock(mutex_);
  free_.push_back(record);
}

IntentRecord* Journal::orphan(std::uint64_t unique) {
  for (std::size_t i = 0; i < orphans_.size(); ++i) {
    if (orphans_[i]->unique != unique) continue;
    IntentRecord* found = orphans_[i];
    orphans_.erase(orphans_.begin() + static_cast<std::ptrdiff_t>(i));
    return found;
  }
  return nullptr;
}

bool Journal::is_suspect(std::uint64_t unique) const {
  if (death_.end == WorkerEnd::kFaultedAt) return unique == death_.faulty_request;
  return death_.end == WorkerEnd::kFaulted;
}

std::vector<Intent> Journal::unanswered_orphans() const {
  std::vector<Intent> unanswered;
  for (IntentRecord* record : orphans_) {
    if (record->is_replying == 0) unanswered.emplace_back(record);
  }
  return unanswered;
}

void Journal::drop_orphans() {
  for (IntentRecord* record : std::exchange(orphans_, {})) give_back(record);
}

JournalSlot::JournalSlot(Journal& journal)
    : journal_(journal), record_(journal.take_slot()), tid_(::gettid()) {}

void JournalSlot::begin_to_work(std::uint64_t now_us) {
  // In this order: who finds this thread there finds its time, too.
  record_->begun_us.store(now_us, std::memory_order_relaxed);
  record_->tid.store(tid_, std::memory_order_release);
}

Intent JournalSlot::begin(std::uint64_t unique, std::uint32_t opcode, std::uint64_t node,
                          bool resent, std::uint64_t now_us) {
  begin_crash_points(opcode, resent);
#ifndef CVFS_NO_JOURNAL  // a test proves that it sees what the journal prevents
  if (resent) {
    if (IntentRecord* found = journal_.orphan(unique)) {
      // From here on this thread writes the record that the earlier process began, until end().
      journal_.give_back(std::exchange(record_, found));
      ++record_->deaths;
      if (journal_.is_suspect(unique)) ++record_->faults;
      record_->is_replying = 0;
      begin_to_work(now_us);
      Intent intent(record_);
      intent.resumed_ = true;
      intent.died_at_us_ = journal_.death_.at_us;
      return intent;
    }
  }
#endif
  record_->node = node;
  record_->opcode = opcode;
  record_->error = 0;
  record_->deaths = 0;
  record_->faults = 0;
  record_->is_replying = 0;
  record_->lookup_count = 0;
  record_->handle = 0;
  record_->detail = 0;
  begin_to_work(now_us);
  record_->stage.store(Stage::kReceived, std::memory_order_relaxed);
  record_->unique.store(unique, std::memory_order_release);
  crash_point(CrashPoint::kReceived);
  return Intent(record_);
}

void JournalSlot::end() {
  crash_point(CrashPoint::kReplied);
  record_->unique.store(0, std::memory_order_release);
}

}  // namespace cvfs
