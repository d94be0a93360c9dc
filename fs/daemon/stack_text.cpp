#include "daemon/stack_text.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/log.h"

namespace cvfs {

namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? text.get() : name;
}

std::string describe_address(std::uint64_t address, bool returns_there) {
  // A call may be a function's last instruction: what follows it is the next function.
  const std::uint64_t inside = returns_there ? address - 1 : address;
  Dl_info found{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (::dladdr(reinterpret_cast<void*>(inside), &found) == 0 || found.dli_fname == nullptr) {
    return fmt::format("{:#x}", address);
  }
  std::string file = found.dli_fname;
  file.erase(0, file.rfind('/') + 1);
  std::string place =
      fmt::format("({}+{:#x})", file, address - reinterpret_cast<std::uint64_t>(found.dli_fbase));
  if (found.dli_sname == nullptr) return place;
  return fmt::format("{}+{:#x} {}", demangled(found.dli_sname),
                     address - reinterpret_cast<std::uint64_t>(found.dli_saddr), place);
}

}  // namespace

std::vector<std::string> describe_stack(const StackFrames& stack) {
  std::vector<std::string> lines;
  // Written by a process that was about to die.
  const std::size_t count = std::min<std::size_t>(stack.count, kMaxFrames);
  for (std::size_t i = 0; i < count; ++i) {
    lines.push_back(fmt::format("#{} {}", i, describe_address(stack.addresses[i], i > 0)));
  }
  return lines;
}

}  // namespace cvfs
