#include "vfs/handle_table.h"

#include <cstddef>
#include <new>

namespace cvfs {

namespace {

constexpr std::size_t kHeaderBytes = 4096;

// A handle's number: how often its record was used, then the record's index.
constexpr unsigned kIndexBits = 32;
HandleId number(std::uint32_t uses, std::uint32_t index) {
  return (std::uint64_t{uses} << kIndexBits) | index;
}
std::uint32_t index_of(HandleId id) {
  return static_cast<std::uint32_t>(id);
}

}  // namespace

Result<HandleTable> HandleTable::create(std::uint32_t capacity) {
  const std::size_t bytes = kHeaderBytes + (std::size_t{capacity} + 1) * sizeof(HandleRecord);
  return HandleTable(TRY(sys::SharedMemory::create("cvfs-handles", bytes)), capacity);
}

HandleTable::HandleTable(sys::SharedMemory memory, std::uint32_t capacity)
    : memory_(std::move(memory)), mutex_(std::make_unique<Mutex>()) {
  auto* bytes = static_cast<std::byte*>(memory_.data());
  header_ = new (bytes) Header{};
  header_->capacity = capacity;
  header_->never_used = 1;
  records_ = reinterpret_cast<HandleRecord*>(bytes + kHeaderBytes);
}

HandleTable::~HandleTable() {
  if (memory_.data() == nullptr) return;  // moved from
  for (std::uint32_t i = 1; i < header_->never_used; ++i) {
    if (records_[i].id.load() != 0) UniqueFd(records_[i].io.load());
  }
}

Result<HandleId> HandleTable::add(NodeId node, UniqueFd io, int flags) {
  std::uint32_t index = 0;
  {
    const MutexLock lock(*mutex_);
    index = header_->first_free;
    if (index != 0) {
      header_->first_free = records_[index].next_free;
    } else if (header_->never_used <= header_->capacity) {
      index = header_->never_used++;
    } else {
      return fail(ENFILE);
    }
  }
  HandleRecord& record = records_[index];
  record.node = node;
  record.io.store(io.release(), std::memory_order_relaxed);
  record.flags = flags;
  const HandleId id = number(++record.uses, index);
  record.id.store(id, std::memory_order_release);
  header_->open.fetch_add(1, std::memory_order_relaxed);
  return id;
}

Result<HandleRecord*> HandleTable::find(HandleId id) {
  const std::uint32_t index = index_of(id);
  if (index == 0 || index > header_->capacity) return fail(EBADF);
  if (records_[index].id.load(std::memory_order_acquire) != id) return fail(EBADF);
  return &records_[index];
}

Result<NodeId> HandleTable::remove(HandleId id) {
  HandleRecord& record = *TRY(find(id));
  if (!record.id.compare_exchange_strong(id, 0)) return fail(EBADF);
  const UniqueFd io(record.io.exchange(-1));
  const NodeId node = record.node;
  header_->open.fetch_sub(1, std::memory_order_relaxed);
  const MutexLock lock(*mutex_);
  record.next_free = header_->first_free;
  header_->first_free = index_of(id);
  return node;
}

int HandleTable::set_io(HandleRecord& record, UniqueFd io) {
  int expected = -1;
  if (record.io.compare_exchange_strong(expected, io.get())) return io.release();
  return expected;
}

}  // namespace cvfs
