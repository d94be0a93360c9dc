// World: what is probably there after the steps so far, as if each had succeeded, so that most
// steps meet something. It may be wrong: then the step fails, on both sides. For one thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "step.h"

namespace differential {

enum class Kind { kAny, kFile, kDirectory, kSymlink };

struct Entry {
  std::string path;  // below the root, without a slash in front
  Kind kind = Kind::kFile;
  int maker = 0;
};

struct Slot {
  bool is_open = false;
  Kind kind = Kind::kFile;
  bool can_read = false;
  bool can_write = false;
  std::string path;
};

class World {
 public:
  // Any entry of the kind, or null.
  const Entry* any(Dice& dice, Kind kind) const;
  const Entry* any_below(Dice& dice, const std::string& directory) const;
  // The root's is "".
  std::string any_directory(Dice& dice) const;

  void made(const std::string& path, Kind kind, int actor);
  void removed(const std::string& path);
  void renamed(const std::string& from, const std::string& to, bool exchanged);

  Slot& slot(int actor, int number) {
    return slots_[static_cast<std::size_t>(actor)][static_cast<std::size_t>(number)];
  }
  bool& is_at_root(int actor) { return at_root_[static_cast<std::size_t>(actor)]; }

 private:
  std::vector<Entry> entries_;
  std::array<std::array<Slot, kSlots>, kActors> slots_;
  std::array<bool, kActors> at_root_{true, true, true, true, true};
};

}  // namespace differential
