#include "journal/state_directory.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/result.h"

namespace cvfs {

namespace {

constexpr const char* kMountAnew = "unmount the view and mount it again with this version";

std::string name_of(Section kind) {
  static constexpr const char* kNames[] = {"?",      "inodes",  "handles", "journal",
                                           "view",   "receive", "plan",    "statistics",
                                           "faults", "locks",   "watch",   "asked again"};
  const auto number = static_cast<std::uint32_t>(kind);
  return "section " + std::to_string(number) + " (" +
         kNames[number < std::size(kNames) ? number : 0] + ")";
}

std::uint64_t end_of(const SectionEntry& entry) {
  return entry.offset + whole_pages(entry.bytes);
}

bool overlaps(const SectionEntry& entry, std::uint64_t offset, std::uint64_t end) {
  return entry.version != 0 && entry.offset < end && offset < end_of(entry);
}

bool fits(const SectionEntry& entry, std::uint64_t total) {
  return entry.offset >= kStatePage && entry.offset % kStatePage == 0 && entry.bytes > 0 &&
         entry.bytes <= total && entry.offset <= total - entry.bytes;
}

bool overlaps_another(const StateDirectory& directory, std::uint32_t slot) {
  const SectionEntry& entry = directory.sections[slot];
  return std::any_of(directory.sections, directory.sections + slot, [&](const SectionEntry& other) {
    return overlaps(other, entry.offset, end_of(entry));
  });
}

// The kind's latest: an adoption that was committed outdates what there was before it.
std::optional<std::uint32_t> find_current(const StateDirectory& directory, Section kind) {
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < directory.count; ++i) {
    const SectionEntry& entry = directory.sections[i];
    if (entry.version == 0 || entry.kind != static_cast<std::uint32_t>(kind)) continue;
    if (!found || directory.adoption[i] > directory.adoption[*found]) found = i;
  }
  return found;
}

void drop_provisional(StateDirectory& directory) {
  for (std::uint32_t i = 0; i < directory.count; ++i) {
    if (directory.is_provisional(i)) directory.sections[i].version = 0;
  }
}

// The first that is large enough between the sections, or behind them.
std::uint64_t find_room(const StateDirectory& directory, std::uint64_t bytes) {
  std::uint64_t offset = kStatePage;
  const auto in_the_way = [&](const SectionEntry& entry) {
    return overlaps(entry, offset, offset + whole_pages(bytes));
  };
  const SectionEntry* const last = directory.sections + directory.count;
  for (;;) {
    const SectionEntry* const entry = std::find_if(directory.sections, last, in_the_way);
    if (entry == last) return offset;
    offset = end_of(*entry);
  }
}

Outcome<std::uint32_t> append(StateDirectory& directory, const SectionSpec& section) {
  const SectionEntry* const last = directory.sections + directory.count;
  const auto slot = static_cast<std::uint32_t>(
      std::find_if(static_cast<const SectionEntry*>(directory.sections), last,
                   [](const SectionEntry& entry) { return entry.version == 0; }) -
      directory.sections);
  if (slot == kMaxSections) return refuse_state("its directory is full");
  const std::uint64_t offset = find_room(directory, section.bytes);
  SectionEntry& entry = directory.sections[slot];
  entry = {static_cast<std::uint32_t>(section.kind), section.version, offset, section.bytes};
  directory.adoption[slot] = directory.committed + 1;
  directory.count = std::max(directory.count, slot + 1);
  directory.total_bytes = std::max(directory.total_bytes, end_of(entry));
  return slot;
}

Outcome<void> check_version(const SectionSpec& section, const SectionEntry& entry) {
  const std::string found = name_of(section.kind) + " has version " + std::to_string(entry.version);
  if (entry.version > section.version) {
    return refuse_state(
        found + ", this build knows none after " + std::to_string(section.version),
        "use a build that is not older than the one that runs, or unmount the view first");
  }
  if (!section.understands(entry.version)) {
    const std::uint32_t oldest = section.migrate != nullptr ? section.oldest : section.version;
    return refuse_state(found + ", this build understands versions " + std::to_string(oldest) +
                            " to " + std::to_string(section.version),
                        "upgrade to a build between them first, or unmount the view first");
  }
  if (entry.version == section.version && entry.bytes != section.bytes) {
    return refuse_state(found + " and " + std::to_string(entry.bytes) + " bytes, this build's " +
                        std::to_string(section.bytes));
  }
  return {};
}

}  // namespace

std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + kStatePage - 1) / kStatePage * kStatePage;
}

tl::unexpected<OperatorError> refuse_state(const std::string& what, std::string hint) {
  if (hint.empty()) hint = kMountAnew;
  return refuse({ExitCode::kSystem, "state memory", what, std::move(hint)});
}

Outcome<void> check_directory(const StateDirectory& directory, std::uint64_t file_bytes) {
  if (directory.magic != kStateMagic) return refuse_state("not of cvfs");
  if (directory.version != kStateDirectoryVersion) return refuse_state("of an unknown layout");
  if (directory.total_bytes > file_bytes || directory.total_bytes % kStatePage != 0) {
    return refuse_state("its directory says " + std::to_string(directory.total_bytes) +
                        " bytes, it has " + std::to_string(file_bytes));
  }
  if (directory.count > kMaxSections ||
      directory.committed == std::numeric_limits<std::uint32_t>::max()) {
    return refuse_state("its directory is damaged");
  }
  for (std::uint32_t i = 0; i < directory.count; ++i) {
    if (directory.sections[i].version == 0) continue;
    if (!fits(directory.sections[i], directory.total_bytes) || overlaps_another(directory, i)) {
      return refuse_state("its directory is damaged: entry " + std::to_string(i));
    }
  }
  return {};
}

Outcome<Adoption> plan_adoption(const StateDirectory& directory,
                                std::span<const SectionSpec> sections) {
  Adoption plan{directory, {}, {}};
  drop_provisional(plan.after);
  for (const SectionSpec& section : sections) {
    const auto current = find_current(plan.after, section.kind);
    if (current) {
      const SectionEntry& entry = plan.after.sections[*current];
      TRY(check_version(section, entry));
      if (entry.version == section.version) {
        plan.slots.push_back(*current);
        continue;
      }
    }
    const std::uint32_t slot = TRY(append(plan.after, section));
    plan.slots.push_back(slot);
    plan.additions.push_back({&section, slot, current});
  }
  return plan;
}

}  // namespace cvfs
