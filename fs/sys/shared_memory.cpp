#include "sys/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace cvfs::sys {

Result<SharedMemory> SharedMemory::create(const char* name, std::size_t bytes) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) return last_error();
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0) return last_error();
  return map(std::move(fd), bytes);
}

Result<SharedMemory> SharedMemory::adopt(UniqueFd fd, std::size_t at_least) {
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) return last_error();
  const auto has = static_cast<std::size_t>(status.st_size);
  const std::size_t bytes = std::max(has, at_least);
  if (bytes > has && ::ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0) return last_error();
  return map(std::move(fd), bytes);
}

Result<SharedMemory> SharedMemory::map(UniqueFd fd, std::size_t bytes) {
  void* data =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
  if (data == MAP_FAILED) return last_error();
  // A dump would have every page of the sparse whole. Kernels that cannot leave it out dump it.
  (void)::madvise(data, bytes, MADV_DONTDUMP);
  return SharedMemory(std::move(fd), data, bytes);
}

Result<void> SharedMemory::give_back(std::size_t offset, std::size_t bytes) {
  return succeeded(::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(offset), static_cast<off_t>(bytes)));
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace cvfs::sys
