#include "daemon/thread_status.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace cvfs {

namespace {

std::string read_file(pid_t process, pid_t thread, const char* name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/" +
                     name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "running", or "NUMBER ARGUMENTS…", or "-1 …".
long system_call_in(const std::string& text) {
  std::istringstream words(text);
  long number = 0;
  return words >> number ? number : ThreadStatus::kRuns;
}

}  // namespace

std::optional<ThreadStatus> thread_status(pid_t process, pid_t thread) {
  const std::string stat = read_file(process, thread, "stat");
  // The name may hold blanks and brackets: what follows the last one is for us.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  ThreadStatus status;
  std::istringstream fields(stat.substr(name_end + 1));
  fields >> status.state;
  std::string skipped;  // fields 4 to 13
  for (int i = 4; i < 14; ++i) fields >> skipped;
  if (!(fields >> status.user_ticks >> status.system_ticks)) return {};
  status.system_call = system_call_in(read_file(process, thread, "syscall"));
  return status;
}

std::string kernel_stack(pid_t process, pid_t thread) {
  std::istringstream lines(read_file(process, thread, "stack"));
  std::string text;
  std::string address;  // hidden: "[<0>]"
  std::string place;
  while (lines >> address >> place) text += (text.empty() ? "" : " < ") + place;
  return text;
}

std::vector<pid_t> threads_of(pid_t process) {
  std::vector<pid_t> threads;
  std::error_code gone;
  const std::string path = "/proc/" + std::to_string(process) + "/task";
  for (std::filesystem::directory_iterator entry(path, gone), end; !gone && entry != end;
       entry.increment(gone)) {
    threads.push_back(std::stoi(entry->path().filename().string()));
  }
  return threads;
}

}  // namespace cvfs
