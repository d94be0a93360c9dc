#include "vfs/early_interrupts.h"

namespace cvfs {

std::optional<std::uint64_t> EarlyInterrupts::note(std::uint64_t unique, std::uint64_t reply_to) {
  const MutexLock lock(mutex_);
  interrupts_.push_back({unique, reply_to});
  if (interrupts_.size() <= kMost) return std::nullopt;
  const std::uint64_t oldest = interrupts_.front().reply_to;
  interrupts_.pop_front();
  return oldest;
}

bool EarlyInterrupts::take(std::uint64_t unique) {
  const MutexLock lock(mutex_);
  return std::erase_if(interrupts_, [&](const Interrupt& one) { return one.unique == unique; }) !=
         0;
}

}  // namespace cvfs
