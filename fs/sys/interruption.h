// One signal that ends a system call of ours that waits: for a request, for a lock. Nothing else is
// done by it; what threads do for a caller goes on (sys/uninterrupted.h).
#pragma once

#include <csignal>

namespace cvfs::sys {

// To be sent with pthread_kill(3), again and again: one that comes just before the system call is
// lost. (SIGUSR2 asks for stacks: daemon/fault_handler.h.)
inline constexpr int kInterrupting = SIGUSR1;

// Once or more, before a thread waits. Any thread.
inline void let_waits_be_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(kInterrupting, &action, nullptr);
}

}  // namespace cvfs::sys
