// DetachedCall: runs something that may wait uninterruptibly, without keeping our own process from
// ending: in a process of its own that shares our memory and descriptors and whose death nobody
// waits for. One thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace cvfs::sys {

class DetachedCall {
 public:
  // `call` runs with the stack of start(); it must not allocate, lock or throw, nor end the
  // process otherwise than by returning: it shares the starting thread's thread-local variables.
  using Call = void (*)(void* argument);

  DetachedCall();
  DetachedCall(const DetachedCall&) = delete;
  DetachedCall& operator=(const DetachedCall&) = delete;
  ~DetachedCall();  // waits for the call

  // Only while none runs. `argument` has to live as long as the call. EAGAIN, ENOMEM.
  Result<void> start(Call call, void* argument);

  // Waits so long at most. True: none runs.
  bool await(int timeout_ms);

 private:
  static constexpr std::size_t kStackBytes = 64 << 10;
  static int run(void* self);

  Call call_ = nullptr;
  void* argument_ = nullptr;
  std::int32_t pid_ = 0;                // 0: none is to be collected
  std::atomic<std::uint32_t> running_;  // its pid until the kernel clears it
  std::unique_ptr<std::byte[]> stack_;
};

}  // namespace cvfs::sys
