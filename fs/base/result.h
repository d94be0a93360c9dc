// Result<T>: what the request path returns instead of throwing: a value or an errno.
// Value types without shared state; safe to use from any thread.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace cvfs {

// An errno(3) value that is known to be one (never 0).
struct Errno {
  int value;
  friend bool operator==(Errno, Errno) = default;
};

// What strerror(3) says of it.
inline std::string reason(Errno error) {
  return std::strerror(error.value);
}

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Errno> {
 public:
  using tl::expected<T, Errno>::expected;
};

// `return fail(ENOENT);` from any function that returns a Result.
inline tl::unexpected<Errno> fail(int errno_value) {
  return tl::unexpected(Errno{errno_value});
}
inline tl::unexpected<Errno> fail(Errno error) {
  return tl::unexpected(error);
}

// The failure of the system call that has just returned -1.
inline tl::unexpected<Errno> last_error() {
  return fail(errno);
}

// A system call's `-1 and errno` as a Result; `0 or more` passes through.
template <class Integer>
Result<Integer> checked(Integer returned) {
  if (returned < 0) return last_error();
  return returned;
}

// The same where the number does not matter.
template <class Integer>
Result<void> succeeded(Integer returned) {
  if (returned < 0) return last_error();
  return {};
}

}  // namespace cvfs

// `auto fd = TRY(open_at(...));`: the value, or return the error from the enclosing function.
#define TRY(expression)                                                        \
  __extension__({                                                              \
    auto try_result_ = (expression);                                           \
    if (!try_result_) return ::tl::unexpected(std::move(try_result_).error()); \
    ::cvfs::detail::take(std::move(try_result_));                              \
  })

namespace cvfs::detail {

template <class Expected>
auto take(Expected&& expected) {
  if constexpr (!std::is_void_v<typename std::remove_cvref_t<Expected>::value_type>) {
    return std::move(*expected);
  }
}

}  // namespace cvfs::detail
