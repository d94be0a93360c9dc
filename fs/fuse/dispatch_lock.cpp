#include "fuse/dispatch_lock.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#include <cerrno>
#include <exception>

#include "base/log.h"
#include "fuse/message.h"
#include "fuse/request.h"
#include "sys/fuse_device.h"
#include "sys/fuse_notification.h"

namespace cvfs {

namespace {

template <class Body>
void send(int device_fd, std::uint64_t reply_to, int error, const Body* body) {
  fuse_out_header header{};
  header.len = static_cast<std::uint32_t>(sizeof header + (body != nullptr ? sizeof *body : 0));
  header.error = -error;
  header.unique = reply_to;
  const iovec parts[] = {{&header, sizeof header},
                         {const_cast<Body*>(body), body != nullptr ? sizeof *body : 0}};
  // ENOENT: nobody waits for it any more; ENODEV: the view is unmounted.
  (void)!::writev(device_fd, parts, body != nullptr ? 2 : 1);
}

void send_error(int device_fd, std::uint64_t reply_to, int error) {
  send<fuse_lk_out>(device_fd, reply_to, error, nullptr);
}

LockType to_type(std::uint32_t type) {
  if (type == F_UNLCK) return LockType::kNone;
  return type == F_WRLCK ? LockType::kWrite : LockType::kRead;
}

std::uint32_t to_wire(LockType type) {
  if (type == LockType::kNone) return F_UNLCK;
  return type == LockType::kWrite ? F_WRLCK : F_RDLCK;
}

LockRequest to_request(std::span<const std::byte> message) {
  const auto header = part_at<fuse_in_header>(message, 0);
  const auto body = part_at<fuse_lk_in>(message, sizeof header);
  LockRequest request;
  request.unique = header.unique & ~sys::kFuseUniqueResend;
  request.reply_to = header.unique;
  const bool is_whole = (body.lk_flags & FUSE_LK_FLOCK) != 0;
  request.wish.owner = {header.nodeid, body.owner, is_whole ? LockKind::kWhole : LockKind::kRange};
  request.wish.range = {body.lk.start, body.lk.end};
  request.wish.type = to_type(body.lk.type);
  request.handle = body.fh;
  request.waits = header.opcode == FUSE_SETLKW;
  request.pid = static_cast<std::int32_t>(body.lk.pid);
  request.tid = static_cast<std::int32_t>(header.pid);
  return request;
}

// The kernel translates the pid for the asker.
fuse_lk_out to_wire(const std::optional<LockConflict>& conflict) {
  fuse_lk_out out{};
  out.lk.type = F_UNLCK;
  if (!conflict) return out;
  out.lk.start = conflict->range.first;
  out.lk.end = conflict->range.last;
  out.lk.type = to_wire(conflict->type);
  out.lk.pid = static_cast<std::uint32_t>(conflict->pid);
  return out;
}

void answer_test(Mount& mount, int device_fd, const LockRequest& request) {
  const auto found = mount.locks->test(request);
  if (!found) {
    note_refusal(found.error().value);
    return send_error(device_fd, request.reply_to, found.error().value);
  }
  const fuse_lk_out out = to_wire(*found);
  send(device_fd, request.reply_to, 0, &out);
}

void answer_change(Mount& mount, int device_fd, const LockRequest& request) {
  const std::optional<int> answer = mount.locks->change(request);
  if (!answer) return;
  if (*answer != 0) note_refusal(*answer);
  send_error(device_fd, request.reply_to, *answer);
}

// As fuse/operations.cpp does for all other requests; nobody goes on waiting who was told.
void refuse_failed(Mount& mount, int device_fd, const LockRequest& request, const char* what) {
  spdlog::error("a lock request failed with an exception: {}", what);
  note_refusal(ENOLCK);
  if (!mount.locks->end_wait(request.unique, ENOLCK)) {
    send_error(device_fd, request.reply_to, ENOLCK);
  }
}

}  // namespace

bool is_lock_request(std::uint32_t opcode) {
  return opcode == FUSE_GETLK || opcode == FUSE_SETLK || opcode == FUSE_SETLKW;
}

void dispatch_lock(Mount& mount, int device_fd, std::span<const std::byte> message) {
  note_dispatch();
  const LockRequest request = to_request(message);
  if (!mount.locks) {  // locks=off
    note_refusal(ENOLCK);
    return send_error(device_fd, request.reply_to, ENOLCK);
  }
  const bool is_test = part_at<fuse_in_header>(message, 0).opcode == FUSE_GETLK;
  try {
    (is_test ? answer_test : answer_change)(mount, device_fd, request);
  } catch (const std::exception& error) {
    refuse_failed(mount, device_fd, request, error.what());
  }
}

bool carry_out_interrupt(Mount& mount, int device_fd, std::span<const std::byte> message) {
  const auto header = part_at<fuse_in_header>(message, 0);
  if (header.opcode != FUSE_INTERRUPT) return false;
  if (!mount.locks) return true;
  const std::uint64_t unique = part_at<fuse_interrupt_in>(message, sizeof header).unique;
  constexpr std::uint64_t kInterruptBit = 1;  // FUSE_INT_REQ_BIT of fs/fuse/dev.c
  // The kernel sends it again, if it still has the request.
  if (const auto again = mount.locks->interrupt(unique & ~sys::kFuseUniqueResend, unique)) {
    send_error(device_fd, *again | kInterruptBit, EAGAIN);
  }
  return true;
}

void answer_locks_on(Mount& mount, int device_fd) {
  if (!mount.locks) return;
  const auto answer = [device_fd](std::uint64_t reply_to, int error) {
    send_error(device_fd, reply_to, error);
  };
  mount.locks->answer_by(answer, [&mount, device_fd, answer](NodeId node, std::uint64_t reply_to) {
    // ENOENT: the kernel does not know it any more; ENODEV: the view is unmounted.
    (void)sys::invalidate_inode(device_fd, node, false);
    if (!mount.after_changes) return answer(reply_to, 0);
    mount.after_changes([answer, reply_to] { answer(reply_to, 0); });
  });
}

}  // namespace cvfs
