// Session: serves one FUSE connection with several threads, each with its own receive loop over
// libfuse's low-level API. One receives at first, and another one from when all that do are busy:
// an idle view has the memory for one. Borrows the connection's descriptor. One thread calls
// resume(), serve() and drain().
//
// What an earlier process had at hand is answered first (session_resume.cpp).
#pragma once

#include <atomic>
#include <climits>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"
#include "fuse/cpu_follower.h"
#include "fuse/handshake.h"
#include "fuse/resent_turn.h"
#include "vfs/mount.h"

struct fuse_session;

namespace cvfs {

class ReceiveBuffer;
class RequestScope;
struct Tally;

struct ServingSettings {
  unsigned threads = 1;  // at most 64
  int bell = -1;         // eventfd(2): gets one from the last thread that ends, and from others
};

class Session {
 public:
  // Takes a connection over that has been initialised (answer_init). `device_fd` is borrowed:
  // libfuse would close it, so the session must not be destroyed before the connection ends.
  // ENOMEM: libfuse could not make its session.
  static Result<std::unique_ptr<Session>> adopt(int device_fd, const Handshake& handshake,
                                                Mount& mount, ServingSettings settings);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // After another process served this connection and died: has the kernel send again what was in
  // flight, and answers that first, one request after the other, but for those that wait: these are
  // left to their threads.
  void resume();

  // Starts to serve, until the view is unmounted or drain() was called.
  void serve();

  // All threads have ended.
  bool has_ended() const { return serving_ == 0; }

  // Receives nothing more, and answers what has been received; returns when that is done, or after
  // so long.
  void drain(int timeout_ms);

 private:
  Session(Mount& mount, int device_fd, ServingSettings settings)
      : mount_(mount), device_fd_(device_fd), settings_(settings) {}

  struct ServingThread {
    std::atomic<bool> is_receiving = false;  // and may be interrupted
    std::jthread thread;
  };

  void serve_requests(unsigned index);
  static constexpr unsigned kEnded = UINT_MAX;
  // Waits until this thread is needed. False: the session has ended before.
  bool await_need(unsigned index);
  void need_another_if_all_are_busy();
  void end_waiting();
  void end_thread();
  Tally tally_at(std::size_t place);
  // One message. False: the connection has ended, or no more is to be received; while resuming
  // also: there is none.
  bool receive(ReceiveBuffer& buffer);
  // What nobody answers. False: the message is something else.
  bool carry_out_notice(ReceiveBuffer& buffer, const Tally& tally);
  void answer(const RequestScope& request, ReceiveBuffer& buffer);

  void answer_all_resent();
  void answer_resent(std::size_t place, unsigned turn);
  bool answer_in_turn(ReceiveBuffer& buffer, JournalSlot& slot, Tally& tally, unsigned turn);
  void end_resuming();

  Mount& mount_;
  int device_fd_;
  ServingSettings settings_;
  fuse_session* session_ = nullptr;
  CpuFollower follower_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> is_resuming_ = false;  // nobody waits for a message
  std::atomic<unsigned> serving_ = 0;      // threads that have not ended
  std::atomic<unsigned> needed_ = 1;       // of these, the first so many; never fewer again
  std::atomic<unsigned> receiving_ = 0;    // and those that wait for a message
  std::deque<ServingThread> threads_;      // not a vector: they cannot be moved
  ResentTurn resent_;
  std::vector<std::jthread> resuming_;
};

}  // namespace cvfs
