// Step: one operation of one actor, as plain numbers and strings, so that a sequence of steps can
// be generated, left out in part, and printed as system calls. Values; any thread.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace differential {

constexpr int kActors = 5;
constexpr int kSlots = 6;  // descriptors that an actor can have at hand
constexpr int kNoSlot = -1;

struct Operation;

struct Step {
  const Operation* operation = nullptr;
  int actor = 0;
  bool look = false;        // also tell what the objects are before and after
  int directory = kNoSlot;  // the slot that `path` is relative to; none: the working directory
  int slot = 0;
  int other_slot = 0;
  std::string path;
  std::string other_path;
  std::string text;   // a symlink's target, an xattr's name
  std::string value;  // an xattr's value
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t c = 0;
};

using Steps = std::vector<Step>;

// For a child of this process.
std::string packed(const Step& step);
Step unpacked(const std::string& bytes);

// What is different between views, and so between what may be asked of them.
struct Policy {
  std::string name;             // map, virtual, caller
  bool has_acls = true;         // the view keeps ACLs
  bool has_file_flags = false;  // the view answers FS_IOC_GETFLAGS and its like
  bool has_whiteouts = true;    // renames leave them as they are made anywhere else
  bool in_container = false;    // the actors live in a user namespace of 0:100000:65536
  bool has_passthrough = true;  // the kernel itself reads and writes the backing file
};

enum class Where { kNative, kView };

// A source of choices that gives the same ones for the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  // 0 to count - 1.
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(count));
  }
  bool one_in(std::int64_t count) { return below(count) == 0; }
  template <class T>
  T any_of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<std::int64_t>(choices.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace differential
