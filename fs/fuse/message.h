// A message of the kernel's as the bytes that were read: what libfuse does not hand on is taken
// from there. Any thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace cvfs {

// The structure at `offset`; zeros where the message is too short for it.
template <class Part>
Part part_at(std::span<const std::byte> message, std::size_t offset) {
  Part part{};
  if (offset + sizeof part <= message.size()) {
    std::memcpy(&part, message.data() + offset, sizeof part);
  }
  return part;
}

}  // namespace cvfs
