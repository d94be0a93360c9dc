#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <utility>

namespace cvfs {

void log_to_stderr(const std::string& view) {
  auto logger =
      std::make_shared<spdlog::logger>(view, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e cvfsd[%n] %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace cvfs
