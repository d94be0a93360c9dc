// GETLK, SETLK, SETLKW and INTERRUPT, without libfuse: it hides what they need (a request's number,
// the caller's thread), and a request that waits is answered much later. On the serving thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vfs/mount.h"

namespace cvfs {

bool is_lock_request(std::uint32_t opcode);

// Answers a request that is_lock_request(), or leaves it waiting. Within its RequestScope.
void dispatch_lock(Mount& mount, int device_fd, std::span<const std::byte> message);

// False, and nothing done: the message is something else.
bool carry_out_interrupt(Mount& mount, int device_fd, std::span<const std::byte> message);

// Those that wait or are granted are answered there. Before the first request.
void answer_locks_on(Mount& mount, int device_fd);

}  // namespace cvfs
