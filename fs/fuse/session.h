// Session: serves one FUSE connection with several threads, each with its own receive loop over
// libfuse's low-level API. One receives at first, and another one from when all that do are busy:
// an idle view has the memory for one. Borrows the connection's descriptor. One thread calls
// resume(), serve() and drain().
#pragma once

#include <atomic>
#include <climits>
#include <deque>
#include <memory>
#include <thread>

#include "base/result.h"
#include "fuse/cpu_follower.h"
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

  // Starts to serve with up to so many threads, at most 64. The last of them that ends (the view is
  // unmounted, or drain() was called) adds one to the eventfd(2) `bell`.
  void serve(unsigned threads, int bell);

  // All threads have ended.
  bool has_ended() const { return serving_ == 0; }

  // Answers what has been received, receives nothing more, and returns then.
  void drain();

 private:
  Session(Mount& mount, int device_fd) : mount_(mount), device_fd_(device_fd) {}

  struct ServingThread {
    std::atomic<bool> is_receiving = false;  // and may be interrupted
    std::jthread thread;
  };

  void serve_requests(unsigned index, int bell);
  static constexpr unsigned kEnded = UINT_MAX;
  // Waits until this thread is needed. False: the session has ended before.
  bool await_need(unsigned index);
  void need_another_if_all_are_busy();
  void end_waiting();
  // Receives one message and answers it; kNone: receive() got none.
  enum class Message { kNone, kRequest, kResent, kNotice };
  Message serve_one(ReceiveBuffer& buffer, JournalSlot& slot, RequestCounters& counters);
  // How many bytes; 0 or less: the connection has ended, or no more is to be received.
  int receive(ReceiveBuffer& buffer);

  Mount& mount_;
  int device_fd_;
  fuse_session* session_ = nullptr;
  CpuFollower follower_;
  std::atomic<bool> draining_ = false;
  std::atomic<unsigned> serving_ = 0;    // threads that have not ended
  std::atomic<unsigned> needed_ = 1;     // of these, the first so many; never fewer again
  std::atomic<unsigned> receiving_ = 0;  // and those that wait for a message
  std::deque<ServingThread> threads_;    // not a vector: they cannot be moved
};

}  // namespace cvfs
