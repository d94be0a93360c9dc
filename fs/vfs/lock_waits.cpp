#include "vfs/lock_waits.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "sys/begin_thread.h"
#include "sys/credentials.h"
#include "sys/interruption.h"
#include "vfs/backing_lock.h"

namespace cvfs {

namespace {

// A signal that comes just before the system call is lost: again, until it is not.
constexpr std::chrono::milliseconds kNudge{1};

}  // namespace

LockWaits::LockWaits(Ended ended, std::chrono::milliseconds idle)
    : ended_(std::move(ended)), idle_(idle) {
  sys::let_waits_be_interrupted();
}

LockWaits::~LockWaits() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (Slot& slot : slots_) {
      if (slot.state == Slot::State::kWaiting && !slot.is_cancelled) ++cancelled_;
      slot.is_cancelled = true;
      slot.begun.notify_one();
    }
    has_cancelled_.notify_one();
  }
  for (Slot& slot : slots_) {
    if (slot.thread.joinable()) slot.thread.join();
  }
  if (nudger_.joinable()) nudger_.join();
}

// The first: the others' threads end when they have had nothing to do for long.
LockWaits::Slot* LockWaits::find(Slot::State state) {
  const auto found = std::ranges::find(slots_, state, &Slot::state);
  return found == slots_.end() ? nullptr : &*found;
}

// One with a thread; null: there is none, or no thread to be had.
LockWaits::Slot* LockWaits::take_slot() {
  if (Slot* idle = find(Slot::State::kIdle)) return idle;
  Slot* slot = find(Slot::State::kGone);
  if (slot == nullptr) {
    if (slots_.size() >= kMost) return nullptr;
    slot = &slots_.emplace_back();
  }
  return sys::begin_thread(slot->thread, [this, slot] { run(*slot); }) ? slot : nullptr;
}

bool LockWaits::start(std::uint64_t unique, int fd, const LockWish& wish) {
  const std::lock_guard lock(mutex_);
  // Beforehand: who waits can be woken then, whatever comes.
  if (!nudger_.joinable() && !sys::begin_thread(nudger_, [this] { nudge(); })) return false;
  Slot* const free = take_slot();
  if (free == nullptr) return false;
  free->state = Slot::State::kWaiting;
  free->unique = unique;
  free->fd = fd;
  free->wish = wish;
  free->is_cancelled = false;
  free->begun.notify_one();
  return true;
}

void LockWaits::close_later(UniqueFd fd) {
  const auto retired = std::make_shared<const UniqueFd>(std::move(fd));
  const std::lock_guard lock(mutex_);
  for (Slot& slot : slots_) {
    const bool uses_it = slot.state == Slot::State::kWaiting || slot.state == Slot::State::kEnding;
    if (uses_it && slot.fd == retired->get()) slot.retired = retired;
  }
}

void LockWaits::cancel(std::uint64_t unique) {
  const std::lock_guard lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.unique != unique || slot.state != Slot::State::kWaiting || slot.is_cancelled) continue;
    slot.is_cancelled = true;
    ++cancelled_;
    wake(slot);
    has_cancelled_.notify_one();
  }
}

void LockWaits::wake(Slot& slot) {
  ::pthread_kill(slot.thread.native_handle(), sys::kInterrupting);
}

void LockWaits::nudge() {
  std::unique_lock lock(mutex_);
  while (!is_ending_ || cancelled_ != 0) {
    if (cancelled_ == 0) {
      has_cancelled_.wait(lock);
      continue;
    }
    has_cancelled_.wait_for(lock, kNudge);
    for (Slot& slot : slots_) {
      if (slot.state == Slot::State::kWaiting && slot.is_cancelled) wake(slot);
    }
  }
}

bool LockWaits::is_cancelled(const Slot& slot) {
  const std::lock_guard lock(mutex_);
  return slot.is_cancelled;
}

int LockWaits::wait(const Slot& slot) {
  int error = EINTR;
  while (error == EINTR && !is_cancelled(slot)) {
    const auto got = await_lock(slot.fd, slot.wish);
    error = got ? 0 : got.error().value;
  }
  return error;
}

void LockWaits::run(Slot& slot) {
  sys::prepare_serving_thread();
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool has_begun = slot.begun.wait_for(
        lock, idle_, [&] { return slot.state != Slot::State::kIdle || is_ending_; });
    if (!has_begun) slot.state = Slot::State::kGone;
    if (slot.state != Slot::State::kWaiting) return;
    lock.unlock();
    const int error = wait(slot);
    lock.lock();
    slot.state = Slot::State::kEnding;
    if (slot.is_cancelled) --cancelled_;
    if (is_ending_) return;
    const std::uint64_t unique = slot.unique;
    const int fd = slot.fd;
    lock.unlock();
    ended_(unique, fd, error);
    lock.lock();
    slot.state = Slot::State::kIdle;
    auto retired = std::exchange(slot.retired, nullptr);
    lock.unlock();
    retired.reset();
    lock.lock();
  }
}

}  // namespace cvfs
