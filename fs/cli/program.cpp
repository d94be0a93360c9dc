#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/result.h"
#include "base/unique_fd.h"
#include "control/printable.h"
#include "sys/process.h"

namespace cvfs {
namespace {

constexpr std::size_t kMostOutput = std::size_t{64} << 20;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  TRY(succeeded(::pipe2(ends.data(), O_CLOEXEC)));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The caller's, but for the language.
std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("LC_") && !text.starts_with("LANG")) entries.emplace_back(text);
  }
  entries.emplace_back("LC_ALL=C");
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(std::vector<std::string> words, int out, int err) {
  std::vector<std::string> entries = environment();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, words.front().c_str(), &actions, nullptr,
                                  pointers_to(words).data(), pointers_to(entries).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(error);
  return pid;
}

// False: it has ended.
bool read_some(UniqueFd& fd, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t length = ::read(fd.get(), buffer.data(), buffer.size());
  if (length < 0 && errno == EINTR) return true;
  if (length <= 0 || text.size() > kMostOutput) {
    fd.reset();
    return false;
  }
  text.append(buffer.data(), static_cast<std::size_t>(length));
  return true;
}

// Until both pipes have ended. False: not in time.
bool collect(Pipe& out, Pipe& err, ProgramEnd& end, std::uint64_t deadline_us) {
  while (out.reader || err.reader) {
    const int left_ms = sys::ms_until(deadline_us);
    if (left_ms == 0) return false;
    // A negative descriptor is passed over by poll(2).
    std::array<pollfd, 2> polled = {pollfd{out.reader ? out.reader.get() : -1, POLLIN, 0},
                                    pollfd{err.reader ? err.reader.get() : -1, POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), left_ms) < 0 && errno != EINTR) return false;
    if (polled[0].revents != 0) read_some(out.reader, end.out);
    if (polled[1].revents != 0) read_some(err.reader, end.err);
  }
  return true;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<ProgramEnd> run(const std::vector<std::string>& words, int timeout_seconds) {
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  const pid_t pid = TRY(spawn(words, out.writer.get(), err.writer.get()));
  out.writer.reset();
  err.writer.reset();
  ProgramEnd end;
  const std::uint64_t deadline_us =
      sys::monotonic_us() + static_cast<std::uint64_t>(timeout_seconds) * 1'000'000;
  const bool is_whole = collect(out, err, end, deadline_us);
  if (!is_whole) ::kill(pid, SIGKILL);
  end.exit_code = wait_for(pid);
  if (!is_whole) return fail(ETIMEDOUT);
  return end;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  const char* own = std::getenv("PATH");
  std::istringstream directories("/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:" +
                                 std::string(own != nullptr ? own : ""));
  std::string directory;
  while (std::getline(directories, directory, ':')) {
    std::string path = directory;
    path.append("/").append(name);
    if (directory.starts_with('/') && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

Outcome<ProgramEnd> run_program(const std::vector<std::string>& words, int timeout_seconds) {
  auto end = run(words, timeout_seconds);
  if (end) return std::move(*end);
  const int error = end.error().value;
  const std::string what = error == ETIMEDOUT
                               ? "does not end within " + std::to_string(timeout_seconds) + " s"
                               : std::string("cannot be run: ") + std::strerror(error);
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return refuse(OperatorError{ExitCode::kSystem, words.front(), what, printable(line)});
}

}  // namespace cvfs
