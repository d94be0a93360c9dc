// Session: serves one FUSE connection with several threads, each with its own receive loop over
// libfuse's low-level API. Borrows the
// connection's descriptor. One thread calls resume() and serve().
#pragma once

#include <memory>

#include "base/result.h"
#include "fuse/handshake.h"
#include "journal/statistics.h"
#include "vfs/mount.h"

struct fuse_session;

namespace cvfs {

class ReceiveBuffer;
class RequestScope;

class Session {
 public:
  // Takes a connection over that has been initialised (answer_init). `device_fd` is borrowed:
  // libfuse would close it, so the session must not be destroyed before the connection ends.
  // ENOMEM: libfuse could not make its session.
  static Result<std::unique_ptr<Session>> adopt(int device_fd, const Handshake& handshake,
                                                Mount& mount);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // After another process served this connection and died: has the kernel send again what was in
  // flight, and answers that first, one request after the other.
  void resume();

  // Serves until the view is unmounted; returns then. At most 64 threads.
  void serve(unsigned threads);

 private:
  Session(Mount& mount, int device_fd) : mount_(mount), device_fd_(device_fd) {}

  void serve_requests(unsigned thread);
  // Receives one message and answers it; kNone: the connection has ended.
  enum class Message { kNone, kRequest, kResent, kNotice };
  Message serve_one(ReceiveBuffer& buffer, JournalSlot& slot, RequestCounters& counters);

  Mount& mount_;
  int device_fd_;
  fuse_session* session_ = nullptr;
};

}  // namespace cvfs
