// OperatorError: what the operator path (mounting, commands, configuration) reports to a person:
// which object, what is wrong with it, and what to do next. A value type; any thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace cvfs {

// mount(8)'s exit codes (mount(8), EXIT STATUS). They may be or-ed; cvfs gives one.
enum class ExitCode : int {
  kSuccess = 0,
  kUsage = 1,         // incorrect invocation or permissions
  kSystem = 2,        // out of memory, cannot fork, no FUSE in the kernel
  kInternal = 4,      // a defect of cvfs
  kInterrupted = 8,   // user interrupt
  kMountFailed = 32,  // everything that is wrong with the source, the target or the options' values
};

struct OperatorError {
  ExitCode code = ExitCode::kMountFailed;
  std::string object;  // "toto:/data", "/srv/toto", "uidmap=0:1"
  std::string what;    // one sentence without a full stop: "no such directory in the tenant's tree"
  std::string hint;    // what to run or write instead; may be empty

  // "OBJECT: WHAT\n  try: HINT", without a newline at the end. Whatever somebody typed is in it:
  // control characters are '?', so that a terminal and a log show it and do not obey it.
  std::string message() const;
};

// The operator path's counterpart of Result.
template <class T>
class [[nodiscard]] Outcome : public tl::expected<T, OperatorError> {
 public:
  using tl::expected<T, OperatorError>::expected;
};

inline tl::unexpected<OperatorError> refuse(OperatorError error) {
  return tl::unexpected(std::move(error));
}

// A refusal with mount(8)'s exit code 32; `hint` as in OperatorError.
inline tl::unexpected<OperatorError> refuse(std::string object, std::string what,
                                            std::string hint = {}) {
  return refuse(
      OperatorError{ExitCode::kMountFailed, std::move(object), std::move(what), std::move(hint)});
}

}  // namespace cvfs
