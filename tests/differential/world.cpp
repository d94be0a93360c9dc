#include "world.h"

#include <algorithm>

namespace differential {

namespace {

bool is_at_or_below(const std::string& path, const std::string& top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

template <class Wanted>
const Entry* any_that(Dice& dice, const std::vector<Entry>& entries, Wanted wanted) {
  std::vector<const Entry*> found;
  for (const Entry& entry : entries) {
    if (wanted(entry)) found.push_back(&entry);
  }
  return found.empty() ? nullptr : dice.any_of(found);
}

}  // namespace

const Entry* World::any(Dice& dice, Kind kind) const {
  return any_that(dice, entries_,
                  [&](const Entry& entry) { return kind == Kind::kAny || entry.kind == kind; });
}

const Entry* World::any_below(Dice& dice, const std::string& directory) const {
  return any_that(dice, entries_, [&](const Entry& entry) {
    return directory.empty() || (entry.path != directory && is_at_or_below(entry.path, directory));
  });
}

std::string World::any_directory(Dice& dice) const {
  const Entry* const entry = dice.one_in(3) ? nullptr : any(dice, Kind::kDirectory);
  return entry == nullptr ? "" : entry->path;
}

void World::made(const std::string& path, Kind kind, int actor) {
  const auto is_there = [&](const Entry& entry) { return entry.path == path; };
  if (std::none_of(entries_.begin(), entries_.end(), is_there)) {
    entries_.push_back({path, kind, actor});
  }
}

void World::removed(const std::string& path) {
  std::erase_if(entries_, [&](const Entry& entry) { return is_at_or_below(entry.path, path); });
}

void World::renamed(const std::string& from, const std::string& to, bool exchanged) {
  if (!exchanged) removed(to);
  const std::string old_from = from;
  for (Entry& entry : entries_) {
    if (is_at_or_below(entry.path, old_from)) {
      entry.path = to + entry.path.substr(old_from.size());
    } else if (is_at_or_below(entry.path, to)) {
      entry.path = old_from + entry.path.substr(to.size());
    }
  }
}

}  // namespace differential
