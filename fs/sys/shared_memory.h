// SharedMemory: a zeroed, sparse mapping of a memfd: pages cost memory only once they are touched.
// It holds the tables that are to outlive the process that serves (docs/state.md). Owns the
// mapping and the descriptor; the bytes may be used from any thread. Core dumps leave it out
// (sys/core_dump.h has parts kept).
#pragma once

#include <cstddef>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cvfs::sys {

class SharedMemory {
 public:
  // `name` shows in /proc/PID/maps. ENOMEM: no address space.
  static Result<SharedMemory> create(const char* name, std::size_t bytes);

  // Maps the whole of a memfd that another process made, after it has grown to `at_least` bytes.
  // The other's mapping stays as it is.
  static Result<SharedMemory> adopt(UniqueFd fd, std::size_t at_least);

  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  // These bytes, whole pages, are zero again and cost no memory.
  Result<void> give_back(std::size_t offset, std::size_t bytes);

  void* data() const { return data_; }
  std::size_t size() const { return size_; }
  int fd() const { return fd_.get(); }

 private:
  static Result<SharedMemory> map(UniqueFd fd, std::size_t bytes);
  SharedMemory(UniqueFd fd, void* data, std::size_t size)
      : fd_(std::move(fd)), data_(data), size_(size) {}

  UniqueFd fd_;
  void* data_;
  std::size_t size_;
};

}  // namespace cvfs::sys
