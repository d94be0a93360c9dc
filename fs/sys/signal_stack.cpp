#include "sys/signal_stack.h"

#include <sys/mman.h>

#include <csignal>
#include <cstddef>

namespace cvfs::sys {

namespace {

// The largest frame that the kernel puts there is of 11 KiB (AMX); unwinding needs a few more.
constexpr std::size_t kStackBytes = 64 << 10;
constexpr std::size_t kGuardBytes = 4096;

}  // namespace

SignalStack::SignalStack() {
  stack_t present{};
  if (::sigaltstack(nullptr, &present) < 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  void* memory = ::mmap(nullptr, kGuardBytes + kStackBytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack{};
  stack.ss_sp = static_cast<std::byte*>(memory) + kGuardBytes;
  stack.ss_size = kStackBytes;
  if (::mprotect(stack.ss_sp, stack.ss_size, PROT_READ | PROT_WRITE) < 0 ||
      ::sigaltstack(&stack, nullptr) < 0) {
    ::munmap(memory, kGuardBytes + kStackBytes);
    return;
  }
  memory_ = memory;
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, kGuardBytes + kStackBytes);
}

}  // namespace cvfs::sys
