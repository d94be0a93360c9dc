// A thread, or none where the kernel has no more for us (pids.max, RLIMIT_NPROC, memory): whoever
// asks has a request to answer, and can do so without.
#pragma once

#include <system_error>
#include <thread>
#include <utility>

namespace cvfs::sys {

// False: `thread` is as it was. One that is in it already is waited for.
template <class Function>
[[nodiscard]] bool begin_thread(std::jthread& thread, Function function) {
  try {
    thread = std::jthread(std::move(function));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace cvfs::sys
