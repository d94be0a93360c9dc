#include "sys/system_log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/time.h>
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
#include "sys/uninterrupted.h"

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

// For as long as kPatienceMs, if at all.
int send_line(int socket, const std::string& line, bool may_wait, const sockaddr_un* address) {
  const int flags = MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT);
  const auto* to = reinterpret_cast<const sockaddr*>(address);
  const socklen_t length = address == nullptr ? 0 : sizeof *address;
  const ssize_t sent =
      uninterrupted([&] { return ::sendto(socket, line.data(), line.size(), flags, to, length); });
  return sent < 0 ? errno : 0;
}

UniqueFd make_socket(int type) {
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const timeval patience{0, kPatienceMs * 1000};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return socket;
}

}  // namespace

SystemLog::SystemLog(const std::string& path) : socket_(make_socket(SOCK_DGRAM)) {
  address_.sun_family = AF_UNIX;
  std::strncpy(address_.sun_path, path.c_str(), sizeof address_.sun_path - 1);
}

void SystemLog::send(int priority, std::string_view text) {
  if (lost_ != 0 &&
      deliver(LOG_WARNING, std::to_string(lost_) + " lines could not be logged", false)) {
    lost_ = 0;
  }
  if (lost_ != 0 || !deliver(priority, text, true)) ++lost_;
}

bool SystemLog::deliver(int priority, std::string_view text, bool may_wait) const {
  const std::string line = line_of(priority, text);
  const int error = send_line(socket_.get(), line, may_wait, &address_);
  if (error != EPROTOTYPE) return error == 0;
  // A stream of lines that each end with a NUL.
  return deliver_by_stream(line + '\0', may_wait) == 0;
}

int SystemLog::deliver_by_stream(const std::string& line, bool may_wait) const {
  const UniqueFd socket = make_socket(SOCK_STREAM);
  if (!socket) return errno;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) < 0) {
    return errno;
  }
  return send_line(socket.get(), line, may_wait, nullptr);
}

namespace {

class SyslogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  int fd() const { return log_.fd(); }

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

int log_to_syslog(const std::string& view) {
  const auto sink = std::make_shared<SyslogSink>();
  auto logger = std::make_shared<spdlog::logger>(view, sink);
  // No end of line: syslog adds what it needs.
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "[%n] %v", spdlog::pattern_time_type::local, std::string()));
  spdlog::set_default_logger(std::move(logger));
  return sink->fd();
}

}  // namespace cvfs::sys
