// ReceiveBuffer: where one thread receives its requests: its slot of the receive area, in pages
// that are there before the first request is and stay: a SIGKILL while the kernel copies a request
// into a page that is not there would end that request with EIO. One thread, but for what it is
// told of.
#pragma once

#include <linux/fuse.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/log.h"
#include "fuse/forget.h"
#include "fuse/handshake.h"
#include "fuse/libfuse.h"
#include "journal/receive_area.h"
#include "journal/state_memory.h"
#include "sys/fuse_device.h"

namespace cvfs {

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
  bool is_resent() const { return (header().unique & sys::kFuseUniqueResend) != 0; }
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

}  // namespace cvfs
