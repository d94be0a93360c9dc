#include "fuse/session.h"

#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <span>
#include <string>

#include "base/log.h"
#include "fuse/dispatch_lock.h"
#include "fuse/forget.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"
#include "fuse/request.h"
#include "journal/receive_area.h"
#include "sys/credentials.h"
#include "sys/fuse_device.h"
#include "sys/interruption.h"
#include "sys/signal_stack.h"

namespace cvfs {

// Where one thread receives its requests: its slot of the receive area, in pages that are there
// before the first request is and stay: a SIGKILL while the kernel copies a request into a page
// that is not there would end that request with EIO.
class ReceiveBuffer {
 public:
  // `is_receiving` tells others when it waits for a message.
  ReceiveBuffer(const StateMemory& state, std::size_t index, std::atomic<bool>& is_receiving)
      : is_receiving_(is_receiving),
        slot_(ReceiveArea(state.section(Section::kReceive)).slot(index)),
        message_(ReceiveArea(state.section(Section::kReceive)).message(index)) {
    slot_.is_used = 1;
    if (::mlock(message_.data(), message_.size()) < 0) {
      spdlog::warn("cannot lock a receive buffer: {}", std::strerror(errno));
    }
    // For writing, too.
    constexpr std::size_t kPage = 4096;
    for (std::size_t at = 0; at < message_.size(); at += kPage) message_[at] = std::byte{};
    buffer_.mem = message_.data();
    buffer_.mem_size = message_.size();
  }
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  fuse_buf* get() { return &buffer_; }

  // What is in it needs no more care. Before the next message is received.
  void clear() {
    std::memset(message_.data(), 0, sizeof(fuse_in_header));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    slot_.done = 0;
  }

  void set_receiving(bool is_receiving) { is_receiving_ = is_receiving; }
  std::uint32_t opcode() const { return header().opcode; }
  // The thread that waits for the answer; 0: none, or none that can be seen from here.
  pid_t caller() const { return static_cast<pid_t>(header().pid); }

  std::span<const std::byte> message() const { return message_.first(buffer_.size); }

  bool carry_out_forgets(Mount& mount) {
    return cvfs::carry_out_forgets(mount, message_.first(buffer_.size), slot_.done);
  }

 private:
  const fuse_in_header& header() const {
    return *reinterpret_cast<const fuse_in_header*>(message_.data());
  }

  static_assert(ReceiveArea::kMessageBytes >= kMaxWrite + FUSE_MIN_READ_BUFFER);
  std::atomic<bool>& is_receiving_;
  ReceiveArea::Slot& slot_;
  std::span<std::byte> message_;
  fuse_buf buffer_{};
};

namespace {

static_assert(Statistics::kSlots == ReceiveArea::kSlots);
RequestCounters& counters_of(const StateMemory& state, std::size_t thread) {
  return Statistics(state.section(Section::kStatistics)).slot(thread);
}

// Those that an earlier process had read and not carried out.
void finish_forgets(Mount& mount) {
  const ReceiveArea area(mount.state->section(Section::kReceive));
  for (std::size_t i = 0; i < ReceiveArea::kSlots; ++i) {
    ReceiveArea::Slot& slot = area.slot(i);
    if (slot.is_used != 0) (void)carry_out_forgets(mount, area.message(i), slot.done);
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::adopt(int device_fd, const Handshake& handshake,
                                                Mount& mount) {
  std::unique_ptr<Session> session(new Session(mount, device_fd));
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

int Session::receive(ReceiveBuffer& buffer) {
  buffer.clear();
  for (;;) {
    buffer.set_receiving(true);
    const int received = draining_ ? 0 : fuse_session_receive_buf(session_, buffer.get());
    buffer.set_receiving(false);
    if (received != -EINTR && received != -EAGAIN) return received;
  }
}

Session::Message Session::serve_one(ReceiveBuffer& buffer, JournalSlot& slot,
                                    RequestCounters& counters) {
  ++receiving_;
  const int received = receive(buffer);
  --receiving_;
  if (received <= 0) return Message::kNone;
  need_another_if_all_are_busy();
  sys::begin_request(mount_.store->judges_by_ids());
  if (buffer.carry_out_forgets(mount_) ||
      carry_out_interrupt(mount_, device_fd_, buffer.message())) {
    counters.count(buffer.opcode(), false);
    return Message::kNotice;
  }
  const RequestScope request(mount_, slot, counters, *buffer.get());
  if (request.is_hopeless()) {
    request.refuse(device_fd_);
  } else if (is_lock_request(buffer.opcode())) {
    dispatch_lock(mount_, device_fd_, buffer.message());
  } else {
    fuse_session_process_buf(session_, buffer.get());
  }
  if (!request.has_reply()) return Message::kNotice;
  return request.is_resent() ? Message::kResent : Message::kRequest;
}

void Session::resume() {
  sys::prepare_serving_thread();
  mount_.journal->note_death(mount_.state->view().died_of_fault != 0);
  // ENODEV: unmounted while nobody served.
  if (const auto asked = sys::request_resend(device_fd_); !asked && asked.error().value != ENODEV) {
    spdlog::error(
        "the kernel does not send requests again ({}): those in flight hang until their callers "
        "are killed",
        std::strerror(asked.error().value));
  }
  finish_forgets(mount_);
  std::atomic<bool> is_receiving;
  ReceiveBuffer buffer(*mount_.state, 0, is_receiving);
  RequestCounters& counters = counters_of(*mount_.state, 0);
  JournalSlot slot(*mount_.journal);
  // Requests that are sent again come before all others.
  pollfd waiting{device_fd_, POLLIN, 0};
  while (::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0) {
    const Message message = serve_one(buffer, slot, counters);
    if (message == Message::kNone || message == Message::kRequest) break;
    if (message == Message::kResent) ++mount_.state->view().resent;
  }
  mount_.journal->drop_orphans();
  if (mount_.locks) mount_.locks->settle();
}

void Session::serve_requests(unsigned index, int bell) {
  sys::prepare_serving_thread();
  const sys::SignalStack signal_stack;
  if (await_need(index)) {
    ReceiveBuffer buffer(*mount_.state, 1 + index, threads_[index].is_receiving);
    RequestCounters& counters = counters_of(*mount_.state, 1 + index);
    JournalSlot slot(*mount_.journal);
    follower_.join();
    while (fuse_session_exited(session_) == 0 &&
           serve_one(buffer, slot, counters) != Message::kNone) {
      follower_.follow(buffer.caller());
    }
    follower_.leave();
  }
  end_waiting();
  if (--serving_ == 0) ::eventfd_write(bell, 1);
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

void Session::serve(unsigned threads, int bell) {
  sys::let_waits_be_interrupted();
  serving_ = threads;
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back();
  for (unsigned i = 0; i < threads; ++i) {
    threads_[i].thread = std::jthread([this, i, bell] { serve_requests(i, bell); });
  }
}

void Session::drain() {
  draining_ = true;
  // Again and again: a signal that comes just before the read(2) is lost. Who is at work is left in
  // peace: some system calls do not like to be interrupted.
  while (!has_ended()) {
    for (ServingThread& serving : threads_) {
      if (serving.is_receiving) ::pthread_kill(serving.thread.native_handle(), sys::kInterrupting);
    }
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace cvfs
