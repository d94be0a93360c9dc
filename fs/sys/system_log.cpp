#include "sys/system_log.h"

#include <endian.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

namespace {

// A few lines at once are more than the socket holds; whoever reads them needs a moment.
constexpr int kPatienceMs = 100;

std::string line_of(int priority, std::string_view text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char head[64];
  const std::size_t length = std::strftime(head, sizeof head, "%h %e %T", &local);
  std::string line = "<" + std::to_string(LOG_DAEMON | priority) + ">";
  line.append(head, length);
  line += " cvfsd[" + std::to_string(::getpid()) + "]: ";
  line += text;
  return line;
}

bool is_writable(int socket, int patience_ms) {
  pollfd awaited{socket, POLLOUT, 0};
  return ::poll(&awaited, 1, patience_ms) == 1;
}

}  // namespace

void SystemLog::send(int priority, std::string_view text) {
  if (lost_ != 0 && deliver(LOG_WARNING, std::to_string(lost_) + " lines could not be logged", 0)) {
    lost_ = 0;
  }
  if (lost_ != 0 || !deliver(priority, text, kPatienceMs)) ++lost_;
}

namespace {

// EAGAIN: nobody has read it in time. Other errors: nobody listens.
int deliver_to(const std::string& path, int type, const std::string& line, int patience_ms) {
  const UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return errno;
  }
  for (;;) {
    if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EAGAIN) return errno;
    // Another's line may come first: once more, and no more.
    if (patience_ms == 0 || !is_writable(socket.get(), patience_ms)) return EAGAIN;
    patience_ms = 0;
  }
}

// With its length, so that whatever is in the value ends no field.
void add_field(std::string& entry, std::string_view name, std::string_view value) {
  std::uint64_t size = ::htole64(value.size());
  entry.append(name).push_back('\n');
  entry.append(reinterpret_cast<const char*>(&size), sizeof size);
  entry.append(value).push_back('\n');
}

}  // namespace

std::string SystemLog::journal_entry(int priority, std::string_view text) const {
  std::string entry;
  add_field(entry, "MESSAGE", text);
  add_field(entry, "PRIORITY", std::to_string(priority));
  add_field(entry, "SYSLOG_FACILITY", std::to_string(LOG_FAC(LOG_DAEMON)));
  add_field(entry, "SYSLOG_IDENTIFIER", "cvfsd");
  add_field(entry, "SYSLOG_PID", std::to_string(::getpid()));
  add_field(entry, "CVFS_VIEW", view_);
  add_field(entry, "CVFS_TENANT", std::string_view(view_).substr(0, view_.find(':')));
  return entry;
}

bool SystemLog::deliver(int priority, std::string_view text, int patience_ms) const {
  const int unread =
      deliver_to(listeners_.journal, SOCK_DGRAM, journal_entry(priority, text), patience_ms);
  if (unread == 0 || unread == EAGAIN) return unread == 0;
  const std::string line = line_of(priority, text);
  const int error = deliver_to(listeners_.syslog, SOCK_DGRAM, line, patience_ms);
  if (error != EPROTOTYPE) return error == 0;
  // A stream of lines that each end with a NUL.
  return deliver_to(listeners_.syslog, SOCK_STREAM, line + '\0', patience_ms) == 0;
}

namespace {

class SyslogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit SyslogSink(std::string view) : log_(std::move(view)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    log_.send(priority(message.level), {text.data(), text.size()});
  }
  void flush_() override {}

  static int priority(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return LOG_CRIT;
      case spdlog::level::err:
        return LOG_ERR;
      case spdlog::level::warn:
        return LOG_WARNING;
      case spdlog::level::info:
        return LOG_INFO;
      default:
        return LOG_DEBUG;
    }
  }

  SystemLog log_;  // under base_sink's mutex
};

}  // namespace

void log_to_syslog(const std::string& view) {
  auto logger = std::make_shared<spdlog::logger>(view, std::make_shared<SyslogSink>(view));
  // No end of line: syslog adds what it needs.
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "[%n] %v", spdlog::pattern_time_type::local, std::string()));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace cvfs::sys
