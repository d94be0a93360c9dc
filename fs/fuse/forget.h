// FORGET and BATCH_FORGET, without libfuse: nobody answers them and nobody sends them again, so a
// worker that dies over one leaves in the state memory how far it came. On the serving thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vfs/mount.h"

namespace cvfs {

// `message`: as received. False, and nothing done: it is something else. `done`: how many of the
// inodes in it have been forgotten; goes on from there.
bool carry_out_forgets(Mount& mount, std::span<const std::byte> message,
                       std::atomic<std::uint32_t>& done);

}  // namespace cvfs
