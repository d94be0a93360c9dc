#include "journal/state_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "sys/file.h"

namespace cvfs {

namespace {

// What another process, or a later one, must not see before what was written earlier.
void store_last(std::uint32_t& field, std::uint32_t value) {
  std::atomic_ref<std::uint32_t>(field).store(value, std::memory_order_release);
}

tl::unexpected<OperatorError> refuse_errno(const char* what, Errno error) {
  return refuse_state(std::string(what) + ": " + std::strerror(error.value));
}

// By a read, not by a mapping: whatever the file is, this cannot fault.
Outcome<StateDirectory> read_directory(int fd) {
  const auto status = sys::status_of(fd);
  if (!status) return refuse_errno("cannot read it", status.error());
  if (status->size < kStatePage) return refuse_state("too small to be one");
  StateDirectory directory{};
  const ssize_t read = ::pread(fd, &directory, sizeof directory, 0);
  if (read < 0) return refuse_errno("cannot read it", Errno{errno});
  TRY(check_directory(directory, status->size));
  return directory;
}

}  // namespace

Result<StateMemory> StateMemory::create(std::span<const SectionSpec> sections) {
  std::size_t total = kStatePage;
  for (const SectionSpec& section : sections) total += whole_pages(section.bytes);
  StateMemory state(TRY(sys::SharedMemory::create("cvfs-state", total)));
  StateDirectory& directory = state.directory();
  directory.version = kStateDirectoryVersion;
  directory.total_bytes = total;
  std::size_t offset = kStatePage;
  for (const SectionSpec& section : sections) {
    directory.sections[directory.count] = {static_cast<std::uint32_t>(section.kind),
                                           section.version, offset, section.bytes};
    state.use(directory.count++);
    offset += whole_pages(section.bytes);
  }
  directory.magic = kStateMagic;
  return state;
}

Outcome<void> StateMemory::check(int fd, std::span<const SectionSpec> sections) {
  TRY(plan_adoption(TRY(read_directory(fd)), sections));
  return {};
}

Outcome<std::vector<std::byte>> StateMemory::read(int fd, Section kind, std::uint32_t version) {
  const StateDirectory directory = TRY(read_directory(fd));
  for (std::uint32_t i = 0; i < directory.count; ++i) {
    const SectionEntry& entry = directory.sections[i];
    const bool is_wanted = entry.kind == static_cast<std::uint32_t>(kind) &&
                           entry.version == version && !directory.is_provisional(i);
    if (!is_wanted) continue;
    std::vector<std::byte> bytes(entry.bytes);
    const ssize_t read = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(entry.offset));
    if (read < 0) return refuse_errno("cannot read it", Errno{errno});
    bytes.resize(static_cast<std::size_t>(read));
    return bytes;
  }
  return std::vector<std::byte>();
}

Outcome<StateMemory> StateMemory::adopt(UniqueFd memory, std::span<const SectionSpec> sections) {
  const Adoption plan = TRY(plan_adoption(TRY(read_directory(memory.get())), sections));
  auto mapped = sys::SharedMemory::adopt(std::move(memory), plan.after.total_bytes);
  if (!mapped) return refuse_errno("cannot map it", mapped.error());
  StateMemory state(std::move(*mapped));
  TRY(state.carry_out(plan));
  return state;
}

// Wherever this process ends in it, the directory is valid, and without commit() it says to
// everybody else what it said before.
Outcome<void> StateMemory::carry_out(const Adoption& plan) {
  for (std::uint32_t i = 0; i < directory().count; ++i) {
    if (directory().is_provisional(i)) drop(i);
  }
  directory().total_bytes = plan.after.total_bytes;
  for (const Addition& addition : plan.additions) {
    TRY(fill(plan, addition));
    publish(plan.after, addition.slot);
    adoption_ = plan.after.committed + 1;
  }
  for (const std::uint32_t slot : plan.slots) use(slot);
  return {};
}

Outcome<void> StateMemory::fill(const Adoption& plan, const Addition& addition) {
  const SectionEntry& entry = plan.after.sections[addition.slot];
  // Somebody may have died who had begun to fill it.
  const auto cleared = memory_.give_back(entry.offset, whole_pages(entry.bytes));
  if (!cleared) return refuse_errno("cannot clear it", cleared.error());
  if (!addition.old_slot) return {};
  const SectionEntry& old = plan.after.sections[*addition.old_slot];
  return addition.spec->migrate(bytes_of(old), old.version, bytes_of(entry));
}

void StateMemory::publish(const StateDirectory& planned, std::uint32_t slot) {
  SectionEntry& entry = directory().sections[slot];
  entry.kind = planned.sections[slot].kind;
  entry.offset = planned.sections[slot].offset;
  entry.bytes = planned.sections[slot].bytes;
  directory().adoption[slot] = planned.adoption[slot];
  store_last(entry.version, planned.sections[slot].version);
  if (directory().count <= slot) store_last(directory().count, slot + 1);
}

void StateMemory::drop(std::uint32_t slot) {
  SectionEntry& entry = directory().sections[slot];
  if (entry.version == 0) return;
  store_last(entry.version, 0);
  // If it fails, that costs memory.
  (void)memory_.give_back(entry.offset, whole_pages(entry.bytes));
}

void StateMemory::commit() {
  // Never lowered: whoever comes late must not outdate a later build's sections.
  if (adoption_ > directory().committed) store_last(directory().committed, adoption_);
}

void StateMemory::retire_older() {
  if (adoption_ > directory().committed) return;
  for (std::uint32_t i = 0; i < directory().count; ++i) {
    const bool ours =
        std::any_of(used_.begin(), used_.end(), [&](const Used& used) { return used.slot == i; });
    if (!ours && uses(Section{directory().sections[i].kind})) drop(i);
  }
}

std::span<std::byte> StateMemory::bytes_of(const SectionEntry& entry) const {
  return {static_cast<std::byte*>(memory_.data()) + entry.offset, entry.bytes};
}

void StateMemory::use(std::uint32_t slot) {
  const SectionEntry& entry = directory().sections[slot];
  used_.push_back({slot, Section{entry.kind}, bytes_of(entry)});
}

bool StateMemory::uses(Section kind) const {
  return !section(kind).empty();
}

std::span<std::byte> StateMemory::section(Section kind) const {
  for (const Used& used : used_) {
    if (used.kind == kind) return used.bytes;
  }
  return {};
}

}  // namespace cvfs
