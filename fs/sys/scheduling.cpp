#include "sys/scheduling.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "base/unique_fd.h"

namespace cvfs::sys {

namespace {

// A file of /proc that fits.
class ProcText {
 public:
  explicit ProcText(const char* path) {
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = file ? ::read(file.get(), text_.data(), text_.size()) : 0;
    size_ = size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

// Takes the next number off `text`; what is none counts as 0.
std::uint64_t next_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \n"));
  text.remove_prefix(word.size());
  std::uint64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace

std::optional<unsigned> last_cpu_of(pid_t tid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", tid);
  const ProcText stat(path);
  std::string_view fields = stat.text();
  // The name may hold blanks and brackets: what follows the last one is for us.
  const std::size_t name_end = fields.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  fields.remove_prefix(name_end + 1);
  constexpr int kFirst = 3;
  constexpr int kProcessor = 39;
  for (int i = kFirst; i < kProcessor; ++i) (void)next_number(fields);
  return static_cast<unsigned>(next_number(fields));
}

std::optional<CpuWaits> own_cpu_waits() {
  const ProcText schedstat("/proc/thread-self/schedstat");
  std::string_view fields = schedstat.text();
  if (fields.empty()) return std::nullopt;
  (void)next_number(fields);  // the time that it ran
  CpuWaits waits;
  waits.waited_ns = next_number(fields);
  waits.turns = next_number(fields);
  return waits;
}

Result<cpu_set_t> allowed_cpus(pid_t tid) {
  cpu_set_t cpus;
  if (::sched_getaffinity(tid, sizeof cpus, &cpus) < 0) return last_error();
  return cpus;
}

Result<void> allow_cpus(pid_t tid, const cpu_set_t& cpus) {
  return succeeded(::sched_setaffinity(tid, sizeof cpus, &cpus));
}

}  // namespace cvfs::sys
