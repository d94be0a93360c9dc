// Session: serves one FUSE connection with several threads, each with its own receive loop over
// libfuse's low-level API. Owns the connection's descriptor.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fuse/handshake.h"
#include "vfs/mount.h"

struct fuse_session;

namespace cvfs {

class Session {
 public:
  // Takes a connection over that has been initialised (answer_init). `mount` outlives the session.
  // ENOMEM: libfuse could not make its session.
  static Result<std::unique_ptr<Session>> adopt(UniqueFd device, Handshake handshake, Mount& mount);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Serves until the view is unmounted; returns then. EIO: the connection broke otherwise.
  Result<void> serve(unsigned threads);

 private:
  Session(Mount& mount, Handshake handshake) : mount_(mount), handshake_(std::move(handshake)) {}

  void serve_requests();

  Mount& mount_;
  Handshake handshake_;
  fuse_session* session_ = nullptr;
};

}  // namespace cvfs
