// State memory that another build left: its directory is the input, laid over one that is right, or
// in its place. Whatever stands there, it is adopted whole or refused, and nothing outside its file
// is touched.
#include "journal/state_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "fuzz.h"

namespace cvfs {
namespace {

Outcome<void> lengthen(std::span<const std::byte> old, std::uint32_t, std::span<std::byte> fresh) {
  std::ranges::copy(old.first(std::min(old.size(), fresh.size())), fresh.begin());
  return {};
}

const std::vector<SectionSpec>& older_sections() {
  static const std::vector<SectionSpec> all = {{Section::kView, kViewStateVersion, kViewStateBytes},
                                               {Section::kJournal, 1, 4096},
                                               {Section::kPlan, 1, 100}};
  return all;
}

const std::vector<SectionSpec>& sections() {
  static const std::vector<SectionSpec> all = {{Section::kView, kViewStateVersion, kViewStateBytes},
                                               {Section::kJournal, 2, 8192, lengthen},
                                               {Section::kPlan, 1, 100},
                                               {Section::kLocks, 1, 4096}};
  return all;
}

// Adoptions are numbered, and here is the last number: whoever adopts now is the last to do so.
bool is_last_adoption(int fd) {
  std::uint32_t committed = 0;
  (void)!::pread(fd, &committed, sizeof committed, offsetof(StateDirectory, committed));
  return committed >= std::numeric_limits<std::uint32_t>::max() - 1;
}

void adopt(UniqueFd memory) {
  const bool is_last = is_last_adoption(memory.get());
  const auto checked = StateMemory::check(memory.get(), sections());
  if (!checked) fuzz::require_readable(checked.error());
  (void)StateMemory::read(memory.get(), Section::kPlan, 1);
  auto state = StateMemory::adopt(std::move(memory), sections());
  fuzz::require(checked.has_value() || !state, "what check() refuses adopt() refuses");
  if (!state) return fuzz::require_readable(state.error());
  for (const SectionSpec& section : sections()) {
    const auto bytes = state->section(section.kind);
    fuzz::require(bytes.size() == section.bytes, "each section is there");
    std::memset(bytes.data(), 0x5a, bytes.size());
  }
  state->commit();
  state->retire_older();
  const auto again = StateMemory::check(state->fd(), sections());
  fuzz::require(again.has_value() || is_last, "what was adopted can be adopted again");
}

UniqueFd copy_of(const StateMemory& state, std::uint64_t bytes) {
  UniqueFd copy(::memfd_create("fuzz", MFD_CLOEXEC));
  std::vector<char> page(kStatePage);
  fuzz::require(::pread(state.fd(), page.data(), page.size(), 0) == ssize_t(page.size()), "a page");
  fuzz::require(::ftruncate(copy.get(), off_t(bytes)) == 0, "a size");
  fuzz::require(::pwrite(copy.get(), page.data(), page.size(), 0) == ssize_t(page.size()), "it");
  return copy;
}

}  // namespace
}  // namespace cvfs

// [kind][offset, 2 bytes][bytes...]: laid over a right directory at that offset, or (odd kinds) in
// its place.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace cvfs;
  if (size < 3) return 0;
  constexpr std::uint64_t kBytes = 64 << 10;
  static const StateMemory right = std::move(*StateMemory::create(older_sections()));
  const std::size_t offset = (data[1] + std::size_t{256} * data[2]) % kStatePage;
  const std::size_t length = std::min(size - 3, kStatePage - offset);
  UniqueFd memory =
      data[0] % 2 == 0 ? copy_of(right, kBytes) : UniqueFd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (data[0] % 4 == 1) (void)!::ftruncate(memory.get(), kBytes);
  (void)!::pwrite(memory.get(), data + 3, length, off_t(data[0] % 2 == 0 ? offset : 0));
  adopt(std::move(memory));
  return 0;
}
