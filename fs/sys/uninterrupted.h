// Serving threads are signalled: to stop receiving, to show their stacks. Nobody means to interrupt
// what they are doing for a caller, and no caller is to see that it happened.
#pragma once

#include <cerrno>

namespace cvfs::sys {

// A system call that is made again as long as a signal interrupts it. Any thread.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto returned = call();
    if (returned != -1 || errno != EINTR) return returned;
  }
}

}  // namespace cvfs::sys
