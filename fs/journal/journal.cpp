#include "journal/journal.h"

#include <cstdlib>
#include <ctime>
#include <utility>

namespace cvfs {

void Intent::plan(std::uint64_t detail) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  record_->detail = detail;
  record_->intent_seconds = now.tv_sec;
  record_->intent_nanoseconds = now.tv_nsec;
  record_->stage.store(Stage::kIntent, std::memory_order_release);
}

void Intent::done(Errno error) {
  record_->error = error.value;
  record_->stage.store(Stage::kDone, std::memory_order_release);
}

void Intent::done() {
  done(Errno{0});
}

Result<void> Intent::outcome() const {
  if (record_->error != 0) return fail(record_->error);
  return {};
}

bool Intent::is_since_plan(const timespec& time) const {
  return std::pair(std::int64_t{time.tv_sec}, std::int64_t{time.tv_nsec}) >=
         std::pair(record_->intent_seconds, record_->intent_nanoseconds);
}

Journal::Journal(std::span<std::byte> memory)
    : records_(reinterpret_cast<IntentRecord*>(memory.data()),
               memory.size() / sizeof(IntentRecord)) {
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

void Journal::drop_orphans() {
  for (IntentRecord* record : std::exchange(orphans_, {})) give_back(record);
}

Intent JournalSlot::begin(std::uint64_t unique, std::uint32_t opcode, std::uint64_t node,
                          bool resent) {
  if (resent) {
    if (IntentRecord* found = journal_.orphan(unique)) {
      // From here on this thread writes the record that the earlier process began, until end().
      journal_.give_back(std::exchange(record_, found));
      ++record_->deaths;
      Intent intent(record_);
      intent.resumed_ = true;
      return intent;
    }
  }
  record_->node = node;
  record_->opcode = opcode;
  record_->error = 0;
  record_->deaths = 0;
  record_->counted = 0;
  record_->handle = 0;
  record_->detail = 0;
  record_->stage.store(Stage::kReceived, std::memory_order_relaxed);
  record_->unique.store(unique, std::memory_order_release);
  return Intent(record_);
}

void JournalSlot::end() {
  record_->unique.store(0, std::memory_order_release);
}

}  // namespace cvfs
