#include "choices.h"

#include <limits.h>

namespace differential {

namespace {

// Whether `.` and `..` lead out of a directory that may not be searched the kernel asks nobody
// under owner=caller (docs/semantics.md).
bool checks_dots(const Choice& choice) {
  return choice.policy.name != "caller";
}

std::string any_name(Choice& choice) {
  static const std::vector<std::string> kNames{"a", "b", "c", "d", "e", "f", "g"};
  static const std::vector<std::string> kOdd{
      std::string(255, 'n'), std::string(256, 'n'), ".", "..", "\xff\x01\n", " ", "..."};
  if (!choice.dice.one_in(40)) return choice.dice.any_of(kNames);
  const std::string odd = choice.dice.any_of(kOdd);
  return checks_dots(choice) || (odd != "." && odd != "..") ? odd : "...";
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

// As long as `length`, and no other file than "path".
std::string padded(const std::string& path, std::size_t length) {
  std::string text;
  while (text.size() + path.size() + 2 <= length) text += "./";
  return text + path;
}

// Whatever comes to mind, by way of links and files too.
std::string wild_path(Choice& choice) {
  std::string path = any_name(choice);
  if (choice.dice.one_in(2)) path += "/" + any_name(choice);
  if (choice.dice.one_in(3)) path += "/" + any_name(choice);
  return path;
}

bool serves(const Slot& slot, Need need) {
  if (!slot.is_open) return false;
  if (need == Need::kDirectory) return slot.kind == Kind::kDirectory;
  if (need == Need::kRead) return slot.can_read && slot.kind == Kind::kFile;
  if (need == Need::kWrite) return slot.can_write;
  return true;
}

std::vector<int> slots_for(Choice& choice, int actor, Need need) {
  std::vector<int> found;
  for (int i = 0; i < kSlots; ++i) {
    if (serves(choice.world.slot(actor, i), need)) found.push_back(i);
  }
  return found;
}

// Relative to a directory that the actor has open.
std::string choose_below_slot(Choice& choice, Step& step) {
  const auto slots = slots_for(choice, step.actor, Need::kDirectory);
  step.directory = slots.empty() ? any_slot(choice) : choice.dice.any_of(slots);
  const std::string top = choice.world.slot(step.actor, step.directory).path;
  const Entry* const entry = choice.world.any_below(choice.dice, top);
  if (entry == nullptr) {
    step.path = any_name(choice);
    return joined(top, step.path);
  }
  step.path = entry->path.substr(top.empty() ? 0 : top.size() + 1);
  return entry->path;
}

}  // namespace

std::string any_entry(Choice& choice, Kind kind) {
  const Entry* const entry = choice.dice.one_in(8) ? nullptr : choice.world.any(choice.dice, kind);
  if (entry != nullptr) return entry->path;
  return choice.dice.one_in(2) ? wild_path(choice) : any_new(choice);
}

std::string any_new(Choice& choice) {
  return joined(choice.world.any_directory(choice.dice), any_name(choice));
}

namespace {

std::string by_way_of_dots(std::int64_t way, const std::string& text, const std::string& path) {
  switch (way) {
    case 4:
      return "./" + path;
    case 5:
      return padded(path, PATH_MAX - 1);
    case 6:
      return padded(path, PATH_MAX + 1);
    case 7:
      return text + "/.";
    case 8:
      return text + "/../" + path;
    default:
      return text;
  }
}

}  // namespace

std::string spelled(Choice& choice, int actor, const std::string& path) {
  const bool is_plain = choice.world.is_at_root(actor) && !choice.dice.one_in(8);
  const std::string text = is_plain ? path : "/" + path;
  const std::int64_t way = choice.dice.below(200);
  if (way < 3) return text + "/";
  if (way == 3) return "";
  return checks_dots(choice) ? by_way_of_dots(way, text, path) : text;
}

std::string choose_entry(Choice& choice, Step& step, Kind kind) {
  if (choice.dice.one_in(12)) return choose_below_slot(choice, step);
  if (choice.dice.one_in(8)) {
    const std::string path = any_entry(choice, kind);
    step.path = spelled(choice, step.actor, path);
    return path;
  }
  const Entry* const entry = choice.world.any(choice.dice, kind);
  if (entry != nullptr && !choice.dice.one_in(3)) step.actor = entry->maker;
  const std::string path = entry == nullptr ? any_new(choice) : entry->path;
  step.path = spelled(choice, step.actor, path);
  return path;
}

std::string choose_new(Choice& choice, Step& step) {
  const std::string path = any_new(choice);
  step.path = spelled(choice, step.actor, path);
  return path;
}

int any_slot(Choice& choice) {
  return static_cast<int>(choice.dice.below(kSlots));
}

void choose_slot_for(Choice& choice, Step& step, Need need) {
  step.slot = any_slot(choice);
  if (choice.dice.one_in(12)) return;
  for (int i = 0; i < kActors; ++i) {
    const int actor = (step.actor + i) % kActors;
    const auto slots = slots_for(choice, actor, need);
    if (slots.empty()) continue;
    step.actor = actor;
    step.slot = choice.dice.any_of(slots);
    return;
  }
}

void choose_other_slot_for(Choice& choice, Step& step, Need need) {
  const auto slots = slots_for(choice, step.actor, need);
  step.other_slot =
      slots.empty() || choice.dice.one_in(12) ? any_slot(choice) : choice.dice.any_of(slots);
}

std::string any_xattr(Choice& choice) {
  static const std::vector<std::string> kPlain{
      "user.one",   "user.two", "user.one", "trusted.one", "security.capability",
      "user.one",   "user.",    "user.two", "nothing.of",  "user." + std::string(250, 'x'),
      "trusted.one"};
  static const std::vector<std::string> kAcls{"system.posix_acl_access",
                                              "system.posix_acl_default"};
  if (choice.dice.one_in(60)) return "user." + std::string(251, 'x');
  return choice.policy.has_acls && choice.dice.one_in(3) ? choice.dice.any_of(kAcls)
                                                         : choice.dice.any_of(kPlain);
}

std::int64_t any_offset(Choice& choice) {
  switch (choice.dice.below(14)) {
    case 0:
      return choice.dice.below(100'000);
    case 1:
    case 2:
      return 4096 * choice.dice.below(20);
    case 3:
      return choice.dice.one_in(3) ? 5'000'000'000 + choice.dice.below(3) : 0;
    case 4:
      return choice.dice.one_in(3) ? -1 - choice.dice.below(5) : 0;
    case 5:
      return 512 * choice.dice.below(30);
    default:
      return choice.dice.below(9000);
  }
}

std::int64_t any_length(Choice& choice) {
  switch (choice.dice.below(8)) {
    case 0:
      return choice.dice.one_in(2) ? 0 : 1;
    case 1:
      return 4096 * (1 + choice.dice.below(8));
    case 2:
      return choice.dice.below(50'000);
    default:
      return 1 + choice.dice.below(5000);
  }
}

std::int64_t any_mode(Choice& choice) {
  static const std::vector<std::int64_t> kUsual{0777, 0777, 0777,  0666,  0644,  0755,  0775, 0600,
                                                0700, 0,    01777, 02775, 02777, 04755, 06755};
  return choice.dice.one_in(8) ? choice.dice.below(010000) : choice.dice.any_of(kUsual);
}

std::int64_t any_file_mode(Choice& choice) {
  return any_mode(choice) & (choice.policy.name == "caller" ? ~06000 : ~0);
}

std::int64_t any_uid(Choice& choice) {
  static const std::vector<std::int64_t> kIds{0, 1000, 1001, 1002, 2000, -1, -1, 1000, 5000};
  return choice.dice.any_of(kIds);
}

void choose_path(Choice& choice, Step& step) {
  choose_entry(choice, step, Kind::kAny);
}

void choose_directory(Choice& choice, Step& step) {
  choose_entry(choice, step, Kind::kDirectory);
}

void choose_path_and_mode(Choice& choice, Step& step) {
  choose_path(choice, step);
  step.a = any_file_mode(choice);
}

void choose_slot(Choice& choice, Step& step) {
  choose_slot_for(choice, step, Need::kOpen);
}

void choose_nothing(Choice&, Step&) {}

void choose_read(Choice& choice, Step& step) {
  choose_slot_for(choice, step, Need::kRead);
  step.a = any_offset(choice);
  step.b = any_length(choice);
}

void choose_write(Choice& choice, Step& step) {
  choose_slot_for(choice, step, Need::kWrite);
  step.a = any_offset(choice);
  step.b = any_length(choice);
}

std::string pattern(std::int64_t seed, std::size_t length) {
  std::string text(length, '\0');
  std::uint64_t state = static_cast<std::uint64_t>(seed) * 2654435761U + 1;
  for (char& byte : text) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>('a' + (state >> 33) % 26);
  }
  return text;
}

}  // namespace differential
