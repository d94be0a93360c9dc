// Readiness: how cvfsd tells the mount.cvfs that started it that the view serves, or why it does
// not. One message over a pipe: the exit code's byte, then the refusal's text. Thread-compatible.
#pragma once

#include "base/operator_error.h"

namespace cvfs {

// In cvfsd: "the view serves". Closes nothing.
void report_ready(int pipe_fd);
// In cvfsd: why not.
void report_refusal(int pipe_fd, const OperatorError& error);

// In mount.cvfs: waits for either. A pipe that closes without a message (cvfsd crashed or was
// killed) is refused with ExitCode::kInternal.
Outcome<void> await_readiness(int pipe_fd);

}  // namespace cvfs
