// The part of Session that goes on with what an earlier process had at hand.
#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "fuse/forget.h"
#include "fuse/may_wait.h"
#include "fuse/receive_buffer.h"
#include "fuse/request.h"
#include "fuse/session.h"
#include "sys/begin_thread.h"
#include "sys/credentials.h"
#include "sys/fuse_device.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

// A request that takes longer is left to its thread. What waits is seldom alone.
constexpr std::chrono::milliseconds kPatience(25);
constexpr std::chrono::milliseconds kLittlePatience(5);
constexpr std::chrono::hours kForEver(100'000);

// Those that an earlier process had read and not carried out.
void finish_forgets(Mount& mount) {
  const ReceiveArea area(mount.state->section(Section::kReceive));
  for (std::size_t i = 0; i < ReceiveArea::kSlots; ++i) {
    ReceiveArea::Slot& slot = area.slot(i);
    if (slot.is_used != 0) (void)carry_out_forgets(mount, area.message(i), slot.done);
  }
}

// Whether reading from the connection waits for a message: for all who share it.
void set_waiting(int device_fd, bool waits) {
  const int flags = ::fcntl(device_fd, F_GETFL);
  if (flags < 0) return;
  (void)::fcntl(device_fd, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

}  // namespace

void Session::resume() {
  const ViewState& view = mount_.state->view();
  mount_.journal->note_death({view.worker_end, view.faulty_request, view.died_at_us});
  // ENODEV: unmounted while nobody served.
  if (const auto asked = sys::request_resend(device_fd_); !asked && asked.error().value != ENODEV) {
    spdlog::error(
        "the kernel does not send requests again ({}): those in flight hang until their callers "
        "are killed",
        std::strerror(asked.error().value));
  }
  finish_forgets(mount_);
  // A request that is there may be gone before it is read, with its caller: nobody is to wait then.
  set_waiting(device_fd_, false);
  is_resuming_ = true;
  answer_all_resent();
  set_waiting(device_fd_, true);
  is_resuming_ = false;
}

void Session::answer_all_resent() {
  // The first has a place of its own in the receive area, others the last ones, which no serving
  // thread has. If there is none left, the last one is waited for.
  const std::size_t others = ReceiveArea::kSlots - 1 - settings_.threads;
  for (std::size_t i = 0;; ++i) {
    const std::size_t place = i == 0 ? 0 : ReceiveArea::kSlots - i;
    ++serving_;
    const auto answer = [this, place, turn = resent_.begin()] { answer_resent(place, turn); };
    if (!sys::begin_thread(resuming_.emplace_back(), answer)) std::abort();
    if (resent_.await_end(i == others ? kForEver : i == 0 ? kPatience : kLittlePatience)) return;
  }
}

// Until it is another thread's turn, or all is done.
void Session::answer_resent(std::size_t place, unsigned turn) {
  sys::prepare_serving_thread();
  const sys::SignalStack signal_stack;
  std::atomic<bool> is_receiving;
  {
    ReceiveBuffer buffer(*mount_.state, place, is_receiving);
    JournalSlot slot(*mount_.journal);
    Tally tally = tally_at(place);
    while (answer_in_turn(buffer, slot, tally, turn)) continue;
  }
  end_thread();
}

// False: the thread has nothing more to do.
bool Session::answer_in_turn(ReceiveBuffer& buffer, JournalSlot& slot, Tally& tally,
                             unsigned turn) {
  if (!receive(buffer)) {
    end_resuming();
    return false;
  }
  if (carry_out_notice(buffer, tally)) return true;
  const bool is_resent = buffer.is_resent();
  // What is sent again comes before everything else.
  if (!is_resent) end_resuming();
  {
    const RequestScope request(mount_, slot, tally, *buffer.get());
    // Not before it has its place in the journal: another thread may drop what is left there.
    if (is_resent) resent_.work(may_wait(buffer.message()));
    answer(request, buffer);
  }
  if (!is_resent) return false;
  ++mount_.state->view().resent;
  return resent_.has_worked(turn);
}

void Session::end_resuming() {
  for (Intent& intent : mount_.journal->unanswered_orphans()) take_back(mount_, intent);
  mount_.journal->drop_orphans();
  if (mount_.locks) mount_.locks->settle();
  resent_.end();
}

}  // namespace cvfs
