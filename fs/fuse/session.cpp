#include "fuse/session.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "fuse/dispatch_lock.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"
#include "fuse/receive_buffer.h"
#include "fuse/request.h"
#include "journal/measurements.h"
#include "journal/statistics.h"
#include "sys/begin_thread.h"
#include "sys/credentials.h"
#include "sys/interruption.h"
#include "sys/process.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

static_assert(Statistics::kSlots == ReceiveArea::kSlots);
static_assert(Measurements::kSlots == ReceiveArea::kSlots);

}  // namespace

Result<std::unique_ptr<Session>> Session::adopt(int device_fd, const Handshake& handshake,
                                                Mount& mount, ServingSettings settings) {
  std::unique_ptr<Session> session(new Session(mount, device_fd, settings));
  char name[] = "cvfsd";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const fuse_lowlevel_ops operations = operation_table(mount.owners->belongs_to_caller());
  session->session_ = fuse_session_new(&args, &operations, sizeof operations, &mount);
  fuse_opt_free_args(&args);
  if (session->session_ == nullptr) return fail(ENOMEM);

  // "/dev/fd/N" as a mountpoint tells libfuse to use a connection that is there already.
  const std::string connection = "/dev/fd/" + std::to_string(device_fd);
  if (fuse_session_mount(session->session_, connection.c_str()) != 0) return fail(ENOMEM);

  // libfuse answers this INIT, too; the kernel knows no such request any more and says ENOENT,
  // which libfuse passes over.
  std::vector<char> request = handshake.request;
  fuse_buf init{};
  init.mem = request.data();
  init.size = request.size();
  fuse_session_process_buf(session->session_, &init);
  answer_locks_on(mount, device_fd);
  return session;
}

Session::~Session() {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

bool Session::receive(ReceiveBuffer& buffer) {
  ++receiving_;
  buffer.clear();
  int received = 0;
  do {
    buffer.set_receiving(true);
    received = draining_ ? 0 : fuse_session_receive_buf(session_, buffer.get());
    buffer.set_receiving(false);
  } while (received == -EINTR || (received == -EAGAIN && !is_resuming_));
  --receiving_;
  return received > 0;
}

bool Session::carry_out_notice(ReceiveBuffer& buffer, const Tally& tally) {
  sys::begin_request(mount_.store->judges_by_ids());
  if (!buffer.carry_out_forgets(mount_) &&
      !carry_out_interrupt(mount_, device_fd_, buffer.message())) {
    return false;
  }
  tally.counters.count(buffer.opcode(), false);
  return true;
}

void Session::answer(const RequestScope& request, ReceiveBuffer& buffer) {
  if (request.is_hopeless()) {
    request.refuse(device_fd_);
  } else if (is_lock_request(buffer.opcode())) {
    dispatch_lock(mount_, device_fd_, buffer.message());
  } else {
    fuse_session_process_buf(session_, buffer.get());
  }
}

void Session::serve_requests(unsigned index) {
  sys::prepare_serving_thread();
  const sys::SignalStack signal_stack;
  if (await_need(index)) {
    ReceiveBuffer buffer(*mount_.state, 1 + index, threads_[index].is_receiving);
    Tally tally = tally_at(1 + index);
    JournalSlot slot(*mount_.journal);
    follower_.join();
    while (fuse_session_exited(session_) == 0 && receive(buffer)) {
      need_another_if_all_are_busy();
      if (carry_out_notice(buffer, tally)) continue;
      answer(RequestScope(mount_, slot, tally, *buffer.get()), buffer);
      follower_.follow(buffer.caller(), tally.answered_us);
    }
    follower_.leave();
  }
  end_waiting();
  end_thread();
}

Tally Session::tally_at(std::size_t place) {
  const StateMemory& state = *mount_.state;
  return {Statistics(state.section(Section::kStatistics)).slot(place),
          Measurements(state.section(Section::kMeasurements)).slot(place)};
}

// It has begun already: a thread has the credentials of the one that begins it (sys/credentials.h).
bool Session::await_need(unsigned index) {
  for (unsigned needed = needed_; needed <= index; needed = needed_) needed_.wait(needed);
  return needed_ != kEnded;
}

void Session::need_another_if_all_are_busy() {
  unsigned needed = needed_;
  if (receiving_ != 0 || needed >= threads_.size()) return;
  if (needed_.compare_exchange_strong(needed, needed + 1)) needed_.notify_all();
}

void Session::end_waiting() {
  needed_ = kEnded;
  needed_.notify_all();
}

void Session::end_thread() {
  if (--serving_ == 0) ::eventfd_write(settings_.bell, 1);
}

void Session::serve() {
  sys::let_waits_be_interrupted();
  serving_ += settings_.threads;
  for (unsigned i = 0; i < settings_.threads; ++i) threads_.emplace_back();
  for (unsigned i = 0; i < settings_.threads; ++i) {
    if (sys::begin_thread(threads_[i].thread, [this, i] { serve_requests(i); })) continue;
    if (i == 0) std::abort();  // the next worker may have more luck
    spdlog::warn("only {} of {} threads are to be had", i, settings_.threads);
    serving_ -= settings_.threads - i;
    break;
  }
}

void Session::drain(int timeout_ms) {
  draining_ = true;
  const std::uint64_t end_us = sys::monotonic_us() + static_cast<std::uint64_t>(timeout_ms) * 1000;
  // Again and again: a signal that comes just before the read(2) is lost. Who is at work is left in
  // peace: some system calls do not like to be interrupted.
  while (!has_ended() && sys::monotonic_us() < end_us) {
    for (ServingThread& serving : threads_) {
      if (serving.is_receiving) ::pthread_kill(serving.thread.native_handle(), sys::kInterrupting);
    }
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace cvfs
