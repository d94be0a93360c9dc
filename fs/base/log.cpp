#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <syslog.h>

namespace cvfs {

void log_to_stderr(const std::string& view) {
  auto logger =
      std::make_shared<spdlog::logger>(view, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e cvfsd[%n] %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

void log_to_syslog(const std::string& view) {
  auto sink = std::make_shared<spdlog::sinks::syslog_sink_mt>("cvfsd", LOG_PID | LOG_NDELAY,
                                                              LOG_DAEMON, true);
  auto logger = std::make_shared<spdlog::logger>(view, std::move(sink));
  logger->set_pattern("[%n] %v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace cvfs
