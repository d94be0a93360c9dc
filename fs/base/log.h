// The process' log: spdlog's default logger, to stderr in the foreground and to syslog (journald)
// in the background (sys/system_log.h). Any thread.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace cvfs {

// Every line names the view: "cvfsd[toto:/data]: …".
void log_to_stderr(const std::string& view);

}  // namespace cvfs
