#include "daemon/fault_handler.h"

#include <execinfo.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <span>

#include "journal/fault_record.h"
#include "journal/journal.h"
#include "sys/core_dump.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

// Longer than any unwinding; a handler that hangs is not to keep the view from its next worker.
constexpr unsigned kMaxHandlerSeconds = 5;
// Of the handler itself and of the kernel's call of it.
constexpr std::size_t kMaxHandlerFrames = 8;

// Where the handlers write to: nobody can pass them anything.
struct Scene {
  FaultArea* area = nullptr;
  std::span<const IntentRecord> requests;
};
Scene scene;

// Everything below runs in signal handlers: no allocation, no locks, no stdio.

std::uint64_t interrupted_at(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uint64_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.pc;
#else
  (void)machine;
  return 0;
#endif
}

std::uint64_t address_of(void* frame) {
  return reinterpret_cast<std::uint64_t>(frame);
}

void record_stack(StackFrames& stack, const void* context) {
  void* frames[kMaxFrames + kMaxHandlerFrames];
  void** const end = frames + ::backtrace(frames, std::size(frames));
  const std::uint64_t where = interrupted_at(context);
  void** first =
      std::find_if(frames, end, [where](void* frame) { return address_of(frame) == where; });
  if (first == end) first = frames;
  void** const last = first + std::min<std::ptrdiff_t>(end - first, kMaxFrames);
  std::transform(first, last, stack.addresses, address_of);
  stack.count = static_cast<std::uint32_t>(last - first);
}

void record_request(FaultRecord& fault) {
  fault.unique = 0;
  for (const IntentRecord& request : scene.requests) {
    if (request.tid != fault.tid || request.unique == 0) continue;
    fault.opcode = request.opcode;
    fault.node = request.node;
    fault.unique = request.unique;
  }
}

void record_fault(FaultRecord& fault, int signal, const siginfo_t& info, const void* context) {
  fault.signal = signal;
  fault.code = info.si_code;
  fault.address = info.si_code > 0 ? reinterpret_cast<std::uint64_t>(info.si_addr)
                                   : static_cast<std::uint64_t>(info.si_pid);
  fault.pid = ::getpid();
  fault.tid = ::gettid();
  record_request(fault);
  // Before the stack, which may not come to its end: without it the rest is worth reporting.
  fault.stack.count = 0;
  fault.is_whole.store(1, std::memory_order_release);
  record_stack(fault.stack, context);
}

// The same signal with the same account once more, when the handler returns: the core then shows
// the registers of the fault.
void die_of(int signal, siginfo_t* info) {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(signal, &plain, nullptr);
  if (::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), signal, info) < 0) ::raise(signal);
}

// All signals are blocked meanwhile: a fault in here ends the process at once (the kernel does not
// let a blocked fault be handled).
void on_fault(int signal, siginfo_t* info, void* context) {
  static std::atomic_flag is_taken = ATOMIC_FLAG_INIT;
  while (is_taken.test_and_set()) ::pause();  // another thread's fault is about to end us all
  ::alarm(kMaxHandlerSeconds);
  record_fault(scene.area->fault, signal, *info, context);
  sys::prepare_core_dump();
  die_of(signal, info);
}

void on_stack_question(int, siginfo_t* info, void* context) {
  if (info->si_code != SI_QUEUE) return;
  const auto value = static_cast<std::uint32_t>(info->si_value.sival_int);
  const std::uint32_t index = value % (1U << kStackIndexBits);
  if (index >= kMaxStacks) return;
  const int saved_errno = errno;
  ThreadStack& answer = scene.area->stacks[index];
  answer.tid = ::gettid();
  record_stack(answer.stack, context);
  answer.answers.store(value >> kStackIndexBits, std::memory_order_release);
  errno = saved_errno;
}

// ---- no handlers from here on

void handle_fault(int signal) {
  struct sigaction action {};
  if (::sigaction(signal, nullptr, &action) < 0 || action.sa_handler != SIG_DFL) return;
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
  ::sigdelset(&action.sa_mask, SIGALRM);
  ::sigaction(signal, &action, nullptr);
}

void answer_stack_questions() {
  struct sigaction action {};
  action.sa_sigaction = on_stack_question;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(kStackSignal, &action, nullptr);
}

}  // namespace

void install_fault_handlers(const StateMemory& state) {
  scene.area = &FaultArea::in(state.section(Section::kFaults));
  scene.requests = Journal::records_in(state.section(Section::kJournal));
  // The first call loads what unwinds; later ones only read.
  void* frame = nullptr;
  (void)::backtrace(&frame, 1);
  static const sys::SignalStack of_this_thread;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) handle_fault(signal);
  answer_stack_questions();
  sys::allow_core_dumps();
  for (const Section small : {Section::kJournal, Section::kView, Section::kFaults}) {
    if (const auto memory = state.section(small); !memory.empty()) sys::keep_in_core_dumps(memory);
  }
}

}  // namespace cvfs
