// SignalStack: the stack on which a thread's handlers run where its own has no room left, or makes
// no sense any more (sigaltstack(2)). Made and destroyed by the thread that it is for.
#pragma once

namespace cvfs::sys {

class SignalStack {
 public:
  // Without memory, or where the thread has one already (a sanitizer's), everything stays as it is.
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace cvfs::sys
