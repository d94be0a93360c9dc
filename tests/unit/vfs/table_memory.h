// Zeroed memory for a table, as the state memory gives it.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "sys/shared_memory.h"

namespace cvfs {

template <class Table>
struct TableMemory {
  explicit TableMemory(std::uint32_t capacity)
      : shared(std::move(*sys::SharedMemory::create("cvfs-test", Table::bytes_for(capacity)))),
        bytes(static_cast<std::byte*>(shared.data()), shared.size()) {}
  sys::SharedMemory shared;
  std::span<std::byte> bytes;
};

}  // namespace cvfs
