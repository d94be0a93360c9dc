#include "fuse/cpu_follower.h"

#include <unistd.h>

#include <algorithm>

#include "sys/begin_thread.h"
#include "sys/process.h"
#include "sys/scheduling.h"

namespace cvfs {

namespace {

// A sample costs some 10 us of a thread that has just answered.
constexpr std::uint64_t kSampleUs = 3'000;
// So many in a row make the threads move. Of two callers on two CPUs that are served in turn one in
// 32 rows of that length looks like one caller, and the next sample corrects it.
constexpr unsigned kEnough = 5;
// Samples further apart say nothing about each other.
constexpr std::uint64_t kStaleUs = 200'000;
// Held, they may wait for the CPU as long as when they were free, and so much more.
constexpr double kMoreWaitUs = 20;
// After they had waited longer: how long they stay free. Doubled each time.
constexpr std::uint64_t kFirstPauseUs = 100'000;
constexpr std::uint64_t kLongestPauseUs = 5'000'000;

// How long the calling thread waited for a CPU, each time, since it asked last.
double own_wait_us() {
  thread_local sys::CpuWaits before;
  const auto now = sys::own_cpu_waits();
  if (!now) return 0;
  const std::uint64_t turns = now->turns - before.turns;
  const std::uint64_t waited_ns = now->waited_ns - before.waited_ns;
  before = *now;
  return turns == 0 ? 0 : static_cast<double>(waited_ns) / 1000.0 / static_cast<double>(turns);
}

}  // namespace

CpuFollower::~CpuFollower() {
  ends_ = true;
  asked_.release();
}

void CpuFollower::join() {
  (void)own_wait_us();
  const MutexLock lock(mutex_);
  threads_.push_back(::gettid());
  // Without it threads run where the kernel has them.
  if (!sampler_.joinable()) (void)sys::begin_thread(sampler_, [this] { take_samples(); });
}

void CpuFollower::leave() {
  const MutexLock lock(mutex_);
  std::erase(threads_, ::gettid());
}

void CpuFollower::follow(pid_t caller, std::uint64_t now_us) {
  std::uint64_t due = next_sample_us_.load(std::memory_order_relaxed);
  if (caller <= 0 || now_us < due) return;
  if (!next_sample_us_.compare_exchange_strong(due, now_us + kSampleUs)) return;
  if (is_sampling_.exchange(true)) return;
  question_ = {caller, now_us, own_wait_us()};
  asked_.release();
}

void CpuFollower::take_samples() {
  for (;;) {
    asked_.acquire();
    if (ends_) return;
    const auto cpu = sys::last_cpu_of(question_.caller);
    if (cpu) {
      const MutexLock lock(mutex_);
      note({question_.caller, *cpu, question_.time_us}, question_.wait_us);
    }
    is_sampling_ = false;
  }
}

void CpuFollower::note(const Sample& sample, double wait_us) {
  const bool is_alike = sample.cpu == last_.cpu || sample.caller == last_.caller;
  const bool is_fresh = sample.time_us - last_.time_us < kStaleUs;
  last_ = sample;
  alike_ = is_alike && is_fresh ? alike_ + 1 : 0;
  if (held_on_ >= 0 && waits_too_long(wait_us)) {
    pause_us_ = std::clamp(pause_us_ * 2, kFirstPauseUs, kLongestPauseUs);
    not_before_us_ = sample.time_us + pause_us_;
    return release();
  }
  if (!is_alike) return release();
  if (held_on_ < 0) {
    free_wait_us_ = wait_us;
  } else {
    pause_us_ -= pause_us_ / 64;
  }
  if (alike_ >= kEnough && sample.time_us >= not_before_us_) hold_on(sample.cpu);
}

// Others want that CPU as well.
bool CpuFollower::waits_too_long(double wait_us) const {
  return wait_us > free_wait_us_ + kMoreWaitUs;
}

void CpuFollower::hold_on(unsigned cpu) {
  if (held_on_ == static_cast<int>(cpu)) return;
  if (held_on_ < 0) {
    const auto allowed = sys::allowed_cpus(0);
    if (!allowed) return;
    free_ = *allowed;
  }
  if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &free_)) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  held_on_ = static_cast<int>(cpu);
  move_all(one);
}

void CpuFollower::release() {
  if (held_on_ < 0) return;
  held_on_ = -1;
  move_all(free_);
}

// One that has ended meanwhile is nobody's business any more.
void CpuFollower::move_all(const cpu_set_t& cpus) {
  for (const pid_t thread : threads_) (void)sys::allow_cpus(thread, cpus);
}

}  // namespace cvfs
