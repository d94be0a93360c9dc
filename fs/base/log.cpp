#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <syslog.h>

#include <mutex>
#include <utility>

namespace cvfs {

namespace {

// syslog(3) with no descriptor kept between two messages: supervisor and worker share a table, and
// libc in one of them would go on with a number that the other has closed and given to a file.
class SyslogSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    ::openlog("cvfsd", LOG_PID, LOG_DAEMON);
    ::syslog(priority(message.level), "%.*s", static_cast<int>(text.size()), text.data());
    ::closelog();
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
};

}  // namespace

void log_to_stderr(const std::string& view) {
  auto logger =
      std::make_shared<spdlog::logger>(view, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e cvfsd[%n] %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

void log_to_syslog(const std::string& view) {
  auto logger = std::make_shared<spdlog::logger>(view, std::make_shared<SyslogSink>());
  // No end of line: syslog adds what it needs.
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "[%n] %v", spdlog::pattern_time_type::local, std::string()));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace cvfs
