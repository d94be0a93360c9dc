// The part of Session that goes on with what an earlier process had at hand.
#include <linux/fuse.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "fuse/forget.h"
#include "fuse/receive_buffer.h"
#include "fuse/request.h"
#include "fuse/session.h"
#include "sys/credentials.h"
#include "sys/fuse_device.h"
#include "sys/signal_stack.h"

namespace cvfs {

namespace {

// A request that takes longer is left to its thread. What waits is seldom alone.
constexpr std::chrono::milliseconds kPatience(25);
constexpr std::chrono::milliseconds kLittlePatience(5);
constexpr std::chrono::hours kForEver(100'000);

// What may wait or take long, for a lease or a disk: others go on meanwhile. Not what asks on disk
// whether an earlier process had made its change, for others would change the answer: who makes or
// removes a name, an xattr, or appends. (Who truncates asks as well, but before it waits.)
constexpr std::array kMayWait = {
    FUSE_LOOKUP,   FUSE_GETATTR, FUSE_SETATTR,     FUSE_OPEN,      FUSE_OPENDIR,
    FUSE_READ,     FUSE_READDIR, FUSE_READDIRPLUS, FUSE_FLUSH,     FUSE_FSYNC,
    FUSE_FSYNCDIR, FUSE_STATFS,  FUSE_READLINK,    FUSE_FALLOCATE, FUSE_COPY_FILE_RANGE,
    FUSE_GETXATTR, FUSE_LSEEK};

bool may_wait(std::uint32_t opcode) {
  return std::ranges::find(kMayWait, static_cast<fuse_opcode>(opcode)) != kMayWait.end();
}

// Those that an earlier process had read and not carried out.
void finish_forgets(Mount& mount) {
  const ReceiveArea area(mount.state->section(Section::kReceive));
  for (std::size_t i = 0; i < ReceiveArea::kSlots; ++i) {
    ReceiveArea::Slot& slot = area.slot(i);
    if (slot.is_used != 0) (void)carry_out_forgets(mount, area.message(i), slot.done);
  }
}

bool has_message(int device_fd) {
  pollfd waiting{device_fd, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0;
}

}  // namespace

void Session::resume() {
  mount_.journal->note_death(mount_.state->view().died_of_fault != 0);
  // ENODEV: unmounted while nobody served.
  if (const auto asked = sys::request_resend(device_fd_); !asked && asked.error().value != ENODEV) {
    spdlog::error(
        "the kernel does not send requests again ({}): those in flight hang until their callers "
        "are killed",
        std::strerror(asked.error().value));
  }
  finish_forgets(mount_);
  // The first has a place of its own in the receive area, others the last ones, which no serving
  // thread has. If there is none left, the last one is waited for.
  const std::size_t others = ReceiveArea::kSlots - 1 - settings_.threads;
  for (std::size_t i = 0;; ++i) {
    const std::size_t place = i == 0 ? 0 : ReceiveArea::kSlots - i;
    ++serving_;
    resuming_.emplace_back([this, place, turn = resent_.begin()] { answer_resent(place, turn); });
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
  if (!has_message(device_fd_) || !receive(buffer)) {
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
    if (is_resent) resent_.work(may_wait(buffer.opcode()));
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
