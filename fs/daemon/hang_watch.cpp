#include "daemon/hang_watch.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>

#include "base/log.h"
#include "daemon/fault_handler.h"
#include "daemon/stack_text.h"
#include "daemon/thread_status.h"
#include "sys/fuse_opcode.h"
#include "sys/process.h"

namespace cvfs {

namespace {

constexpr int kSampleMs = 100;
constexpr int kStacksMs = 200;
constexpr std::uint32_t kMaxQuestion = (1U << (31 - kStackIndexBits)) - 1;

// At work on data, for as long as that takes: where a disk or another host does not answer, the
// next worker would wait as well, and the third would make it an error.
constexpr std::array kOfData = {
    SYS_read,    SYS_write,           SYS_pread64,   SYS_pwrite64, SYS_preadv,
    SYS_pwritev, SYS_copy_file_range, SYS_fallocate, SYS_fsync,    SYS_fdatasync,
    SYS_syncfs,  SYS_sync_file_range, SYS_ftruncate, SYS_splice,   SYS_sendfile};
// Where a thread may be asked for its stack: a signal there makes no error for a container. Outside
// the kernel and waiting for a lock nobody hears of it; of a sleep only its caller, who is ours.
constexpr std::array kOfNobodyElse = {ThreadStatus::kRuns, long{SYS_futex},
                                      long{SYS_clock_nanosleep}, long{SYS_nanosleep},
                                      long{SYS_sched_yield}};

bool is_one_of(const auto& calls, long call) {
  return std::ranges::find(calls, call) != std::end(calls);
}

std::uint64_t to_us(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(std::chrono::microseconds(time).count());
}

bool is_thread(pid_t process, pid_t thread) {
  return ::syscall(SYS_tgkill, process, thread, 0) == 0;
}

// What a thread does that has been at one request for too long.
struct Finding {
  bool goes_on;
  // A process does not end before such a thread leaves the kernel, whoever kills it.
  bool keeps_from_ending;
  std::string why;
};

Finding find_running(const ThreadStatus& before, const ThreadStatus& after) {
  const std::uint64_t user = after.user_ticks - before.user_ticks;
  const std::uint64_t system = after.system_ticks - before.system_ticks;
  if (user > 0 && user >= system) return {false, false, "it runs in circles"};
  if (system > 0) return {true, true, "it runs in the kernel"};
  return {true, false, "it waits for a CPU"};
}

// Its server has the request, and the thread waits for the answer whoever kills it.
bool waits_for_fuse(pid_t worker, pid_t thread) {
  return kernel_stack(worker, thread).find("request_wait_answer") != std::string::npos;
}

Finding find_doing(pid_t worker, pid_t thread, const ThreadStatus& before,
                   const ThreadStatus& after) {
  switch (after.state) {
    case 'R':
      return find_running(before, after);
    case 'S':
      if (waits_for_fuse(worker, thread)) {
        return {true, true, "it waits for the server of a FUSE filesystem below"};
      }
      if (is_one_of(kOfData, after.system_call)) {
        return {true, false, fmt::format("it waits for data in system call {}", after.system_call)};
      }
      return {false, false, fmt::format("it waits in system call {}", after.system_call)};
    case 'D':
      return {true, true, "it cannot be interrupted (state D)"};
    default:
      return {true, false, fmt::format("it is in state {}", after.state)};
  }
}

}  // namespace

HangWatch::HangWatch(const StateMemory& state, std::chrono::milliseconds limit)
    : area_(FaultArea::in(state.section(Section::kFaults))),
      records_(Journal::records_in(state.section(Section::kJournal))),
      limit_(limit) {}

int HangWatch::timeout_ms() const {
  if (limit_.count() == 0) return -1;
  return static_cast<int>(std::max<std::int64_t>(limit_.count() / 2, 1));
}

std::optional<HangReport> HangWatch::check(pid_t worker) {
  if (limit_.count() == 0) return {};
  std::vector<Hang> hangs = find(worker);
  if (hangs.empty()) {
    reported_.clear();
    return {};
  }
  judge(worker, hangs);
  std::erase_if(hangs, [](const Hang& hang) { return hang.verdict == Verdict::kGone; });
  if (std::ranges::none_of(hangs, [&](const Hang& hang) { return is_new(hang); })) return {};

  HangReport report;
  const auto stacks = ask(worker, worth_asking(worker, hangs));
  for (Hang& hang : hangs) {
    if (!is_new(hang)) continue;
    report.lines.push_back(describe(hang, worker));
    if (hang.verdict == Verdict::kHangs) {
      report.replace = true;
      ++hang.work.record->faults;
    }
  }
  for (const ThreadStack* answer : stacks) {
    report.lines.push_back(describe_thread(answer->tid));
    std::ranges::move(describe_stack(answer->stack), std::back_inserter(report.lines));
  }
  reported_.clear();
  for (const Hang& hang : hangs) {
    reported_[{hang.work.unique, hang.work.begun_us}] = hang.verdict;
  }
  return report;
}

std::optional<std::string> HangWatch::find_stopped(pid_t worker) {
  if (limit_.count() == 0) return {};
  const auto status = thread_status(worker, worker);
  const bool is_stopped = status && (status->state == 'T' || status->state == 't');
  times_stopped_ = is_stopped ? std::min(times_stopped_ + 1, 3) : 0;
  if (times_stopped_ != 2) return {};
  return fmt::format("worker {} is stopped (state {}), and containers wait\n  try: kill -CONT {}",
                     worker, status->state, worker);
}

std::optional<HangWatch::Work> HangWatch::work_at(IntentRecord& record) const {
  Work work{};
  work.record = &record;
  work.unique = record.unique.load(std::memory_order_acquire);
  if (work.unique == 0) return {};
  work.tid = record.tid.load(std::memory_order_acquire);
  work.begun_us = record.begun_us;
  work.node = record.node;
  work.opcode = record.opcode;
  return work;
}

// Of threads of this worker: a dead one's records may still be there. Its threads are asked for by
// a signal that is none: while a worker starts, and sweeps what is open, nothing is opened here.
std::vector<HangWatch::Hang> HangWatch::find(pid_t worker) const {
  std::vector<Hang> found;
  const std::uint64_t now = sys::monotonic_us();
  for (IntentRecord& record : records_) {
    const auto work = work_at(record);
    if (!work || work->begun_us + to_us(limit_) > now) continue;
    if (is_thread(worker, work->tid)) found.push_back({*work, Verdict::kGone, {}});
  }
  return found;
}

// Looks twice: what has ended meanwhile only had to wait, as after the whole machine's sleep.
void HangWatch::judge(pid_t worker, std::vector<Hang>& hangs) {
  std::vector<std::optional<ThreadStatus>> before;
  before.reserve(hangs.size());
  for (const Hang& hang : hangs) before.push_back(thread_status(worker, hang.work.tid));
  ::poll(nullptr, 0, kSampleMs);
  bool may_end = true;
  for (std::size_t i = 0; i < hangs.size(); ++i) {
    const Work& work = hangs[i].work;
    const auto after = thread_status(worker, work.tid);
    const IntentRecord& record = *work.record;
    if (!before[i] || !after || record.unique != work.unique || record.begun_us != work.begun_us) {
      continue;
    }
    Finding finding = find_doing(worker, work.tid, *before[i], *after);
    hangs[i].verdict = finding.goes_on ? Verdict::kGoesOn : Verdict::kHangs;
    hangs[i].why = std::move(finding.why);
    may_end = may_end && !finding.keeps_from_ending;
  }
  if (may_end) return;
  for (Hang& hang : hangs) {
    if (hang.verdict != Verdict::kHangs) continue;
    hang.verdict = Verdict::kGoesOn;  // for us: until another worker can come
    hang.why += ", and another keeps the worker from ending";
  }
}

bool HangWatch::is_new(const Hang& hang) const {
  const auto known = reported_.find({hang.work.unique, hang.work.begun_us});
  if (known == reported_.end()) return true;
  return known->second == Verdict::kGoesOn && hang.verdict == Verdict::kHangs;
}

// The threads that hang by our fault, and what else can tell why: not those that wait for a
// request or for the backing filesystem, whose system call might fail with EINTR.
std::vector<pid_t> HangWatch::worth_asking(pid_t worker, const std::vector<Hang>& hangs) const {
  std::vector<pid_t> threads;
  for (const Hang& hang : hangs) {
    if (hang.verdict == Verdict::kHangs && is_new(hang)) threads.push_back(hang.work.tid);
  }
  if (threads.empty()) return threads;
  for (const pid_t tid : threads_of(worker)) {
    const auto status = thread_status(worker, tid);
    const bool is_asked = std::ranges::find(threads, tid) != threads.end();
    if (!is_asked && status && status->state != 'D' &&
        is_one_of(kOfNobodyElse, status->system_call)) {
      threads.push_back(tid);
    }
  }
  threads.resize(std::min(threads.size(), kMaxStacks));
  return threads;
}

// Those that answer in time.
std::vector<const ThreadStack*> HangWatch::ask(pid_t worker, const std::vector<pid_t>& threads) {
  question_ = question_ % kMaxQuestion + 1;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    area_.stacks[i].answers = 0;
    siginfo_t question{};
    question.si_signo = kStackSignal;
    question.si_code = SI_QUEUE;
    question.si_pid = ::getpid();
    question.si_value.sival_int = static_cast<int>(question_ << kStackIndexBits | i);
    (void)::syscall(SYS_rt_tgsigqueueinfo, worker, threads[i], kStackSignal, &question);
  }
  std::vector<const ThreadStack*> answers;
  for (int waited_ms = 0; answers.size() < threads.size() && waited_ms < kStacksMs; ++waited_ms) {
    ::poll(nullptr, 0, 1);
    answers.clear();
    for (std::size_t i = 0; i < threads.size(); ++i) {
      if (area_.stacks[i].answers == question_) answers.push_back(&area_.stacks[i]);
    }
  }
  return answers;
}

std::string HangWatch::describe(const Hang& hang, pid_t worker) const {
  const Work& work = hang.work;
  const double seconds = static_cast<double>(sys::monotonic_us() - work.begun_us) / 1'000'000.0;
  const std::string kernel = kernel_stack(worker, work.tid);
  return fmt::format("{} is at hand for {:.1f} s in thread {} of worker {}: {}{}{}",
                     sys::fuse_request_text(work.opcode, work.node, work.unique), seconds, work.tid,
                     worker, hang.why, kernel.empty() ? "" : "; in the kernel: ", kernel);
}

std::string HangWatch::describe_thread(pid_t tid) const {
  for (IntentRecord& record : records_) {
    const auto work = work_at(record);
    if (!work || work->tid != tid) continue;
    return fmt::format("thread {}, {}:", tid,
                       sys::fuse_request_text(work->opcode, work->node, work->unique));
  }
  return fmt::format("thread {}, no request:", tid);
}

}  // namespace cvfs
