#include "journal/state_memory.h"

#include <cstring>

namespace cvfs {

namespace {

constexpr std::uint64_t kMagic = 0x3165746174736663;  // "cfstate1"
constexpr std::uint32_t kDirectoryVersion = 1;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kMaxSections = 64;

struct SectionEntry {
  std::uint32_t kind;
  std::uint32_t version;  // 0: not there
  std::uint64_t offset;
  std::uint64_t bytes;
};

// The first page.
struct Directory {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t count;
  std::uint64_t total_bytes;
  SectionEntry sections[kMaxSections];
};
static_assert(sizeof(Directory) <= kPage);

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

const Directory& directory_of(const sys::SharedMemory& memory) {
  return *static_cast<const Directory*>(memory.data());
}

const SectionEntry* find(const Directory& directory, Section kind) {
  for (std::uint32_t i = 0; i < directory.count && i < kMaxSections; ++i) {
    if (directory.sections[i].kind == static_cast<std::uint32_t>(kind)) {
      return &directory.sections[i];
    }
  }
  return nullptr;
}

bool fits(const SectionEntry& entry, std::size_t total) {
  return entry.offset >= kPage && entry.offset % kPage == 0 && entry.bytes <= total &&
         entry.offset <= total - entry.bytes;
}

tl::unexpected<OperatorError> refuse_state(const std::string& what) {
  return refuse({ExitCode::kSystem, "state memory", what,
                 "unmount the view and mount it again with this version"});
}

}  // namespace

Result<StateMemory> StateMemory::create(std::span<const SectionSpec> sections) {
  std::size_t total = kPage;
  for (const SectionSpec& section : sections) total += whole_pages(section.bytes);
  StateMemory state(TRY(sys::SharedMemory::create("cvfs-state", total)));
  auto* directory = static_cast<Directory*>(state.memory_.data());
  directory->version = kDirectoryVersion;
  directory->total_bytes = total;
  std::size_t offset = kPage;
  for (const SectionSpec& section : sections) {
    directory->sections[directory->count++] = {static_cast<std::uint32_t>(section.kind),
                                               section.version, offset, section.bytes};
    offset += whole_pages(section.bytes);
  }
  directory->magic = kMagic;
  return state;
}

Outcome<StateMemory> StateMemory::adopt(UniqueFd memory, std::span<const SectionSpec> expected) {
  auto mapped = sys::SharedMemory::adopt(std::move(memory));
  if (!mapped)
    return refuse_state(std::string("cannot map it: ") + std::strerror(mapped.error().value));
  if (mapped->size() < kPage) return refuse_state("too small to be one");
  const Directory& directory = directory_of(*mapped);
  if (directory.magic != kMagic) return refuse_state("not of cvfs");
  if (directory.version != kDirectoryVersion || directory.total_bytes != mapped->size()) {
    return refuse_state("of an unknown layout");
  }
  for (const SectionSpec& section : expected) {
    const SectionEntry* entry = find(directory, section.kind);
    if (entry == nullptr || entry->version != section.version || entry->bytes != section.bytes ||
        !fits(*entry, mapped->size())) {
      return refuse_state("section " + std::to_string(static_cast<unsigned>(section.kind)) +
                          " is not of version " + std::to_string(section.version));
    }
  }
  return StateMemory(std::move(*mapped));
}

std::span<std::byte> StateMemory::section(Section kind) const {
  const SectionEntry* entry = find(directory_of(memory_), kind);
  if (entry == nullptr) return {};
  return {static_cast<std::byte*>(memory_.data()) + entry->offset, entry->bytes};
}

}  // namespace cvfs
