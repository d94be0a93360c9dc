// Session: serves one FUSE connection with several threads, each with its own receive loop over
// libfuse's low-level API. There is one at first; another one begins when all there are are busy,
// so that an idle view has the memory of one. Borrows the connection's descriptor. One thread calls resume(), serve()
// and drain().
#pragma once

#include <pthread.h>

#include <atomic>
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
  // unmounted, or drain() was called) adds one to the eventfd(2) `bell`. std::system_error: there
  // cannot be a thread.
  void serve(unsigned threads, int bell);

  // All threads have ended.
  bool has_ended() const { return serving_ == 0; }

  // Answers what has been received, receives nothing more, and returns then.
  void drain();

 private:
  Session(Mount& mount, int device_fd) : mount_(mount), device_fd_(device_fd) {}

  struct ServingThread {
    std::atomic<pthread_t> receiver = 0;  // itself, while it receives and may be interrupted
    std::jthread thread;
  };

  void start_thread();
  // If nobody is there to receive the next message.
  void start_another_if_all_are_busy();
  void serve_requests(unsigned index);
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
  std::atomic<unsigned> receiving_ = 0;  // of these, those that wait for a message
  std::atomic<unsigned> started_ = 0;    // those that have ever begun
  std::atomic<unsigned> most_ = 0;
  int bell_ = -1;
  std::deque<ServingThread> threads_;  // not a vector: they cannot be moved
};

}  // namespace cvfs
