// The client's end of a view's control socket: one line there, one line back, until a deadline.
// Thread-compatible.
#pragma once

#include <string>

#include "base/result.h"

namespace cvfs {

// Sends `line` (with its newline) to the view that listens at `socket_path` and returns its answer
// without the newline. ENOENT, ECONNREFUSED: nobody listens, the view's processes are gone.
// EACCES: not root. ETIMEDOUT: no whole answer in time. ECONNRESET: the view closed without one.
// EMSGSIZE: an answer over kMaxReplyBytes. ENAMETOOLONG: of the path.
Result<std::string> ask_view(const std::string& socket_path, const std::string& line,
                             int timeout_ms);

}  // namespace cvfs
