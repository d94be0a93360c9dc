#include "vfs/handle_table.h"

#include <cstddef>
#include <new>

namespace cvfs {

namespace {

constexpr std::size_t kHandlesAt = 4096;

// A handle's number: how often its record was used, then the record's index.
constexpr unsigned kIndexBits = 32;
HandleId number(std::uint32_t uses, std::uint32_t index) {
  return (std::uint64_t{uses} << kIndexBits) | index;
}
std::uint32_t index_of(HandleId id) {
  return static_cast<std::uint32_t>(id);
}

}  // namespace

std::size_t HandleTable::bytes_for(std::uint32_t capacity) {
  return kHandlesAt + (std::size_t{capacity} + 1) * sizeof(HandleRecord);
}

HandleTable::HandleTable(std::span<std::byte> memory, std::uint32_t capacity)
    : HandleTable(memory, capacity, true) {}

HandleTable::HandleTable(std::span<std::byte> memory, std::uint32_t capacity, bool fresh)
    : header_(reinterpret_cast<Header*>(memory.data())),
      records_(reinterpret_cast<HandleRecord*>(memory.data() + kHandlesAt)),
      mutex_(std::make_unique<Mutex>()) {
  if (!fresh) return;
  new (header_) Header{};
  header_->capacity = capacity;
  header_->never_used = 1;
}

// Which records are in use is said by their ids alone; the free list is made anew.
HandleTable HandleTable::adopt(std::span<std::byte> memory, std::uint32_t capacity) {
  HandleTable table(memory, capacity, false);
  std::uint32_t first_free = 0;
  std::uint64_t open = 0;
  std::uint64_t ios = 0;
  for (std::uint32_t i = 1; i < table.header_->never_used; ++i) {
    HandleRecord& record = table.records_[i];
    if (record.id != 0) {
      ++open;
      if (record.io >= 0) ++ios;
    } else {
      record.next_free = first_free;
      first_free = i;
    }
  }
  table.header_->open = open;
  table.header_->ios = ios;
  table.header_->first_free = first_free;
  return table;
}

void HandleTable::for_each(const std::function<void(const HandleRecord&)>& visit) const {
  for (std::uint32_t i = 1; i < header_->never_used; ++i) {
    if (records_[i].id != 0) visit(records_[i]);
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
  if (io) header_->ios.fetch_add(1, std::memory_order_relaxed);
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

Result<HandleTable::Closed> HandleTable::remove(HandleId id) {
  HandleRecord& record = *TRY(find(id));
  if (!record.id.compare_exchange_strong(id, 0)) return fail(EBADF);
  const UniqueFd io(record.io.exchange(-1));
  if (io) header_->ios.fetch_sub(1, std::memory_order_relaxed);
  const Closed closed{record.node, record.is_held()};
  header_->open.fetch_sub(1, std::memory_order_relaxed);
  const MutexLock lock(*mutex_);
  record.next_free = header_->first_free;
  header_->first_free = index_of(id);
  return closed;
}

int HandleTable::set_io(HandleRecord& record, UniqueFd io) {
  int expected = -1;
  if (!record.io.compare_exchange_strong(expected, io.get())) return expected;
  header_->ios.fetch_add(1, std::memory_order_relaxed);
  return io.release();
}

}  // namespace cvfs
