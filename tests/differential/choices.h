// Choices: the arguments that steps are made of. Few names, so that steps meet each other, mostly
// of what is there; now and then what is at the edge of what is allowed. No state but the World.
#pragma once

#include "step.h"
#include "world.h"

namespace differential {

struct Choice {
  Dice dice;
  const Policy& policy;
  World world;
};

// Sets the step's path to something that is there (mostly) or to a new name. Each returns the path
// below the root that it means, without decoration. Who made the file is often who acts.
std::string choose_entry(Choice& choice, Step& step, Kind kind);
std::string choose_new(Choice& choice, Step& step);
// The same without a step: another path of it.
std::string any_entry(Choice& choice, Kind kind);
std::string any_new(Choice& choice);
// The path as the step's actor may write it.
std::string spelled(Choice& choice, int actor, const std::string& path);

enum class Need { kOpen, kRead, kWrite, kDirectory };

// A slot that is (mostly) open for that; changes the actor for it. The second one of the same
// actor.
void choose_slot_for(Choice& choice, Step& step, Need need);
void choose_other_slot_for(Choice& choice, Step& step, Need need);

int any_slot(Choice& choice);
std::string any_xattr(Choice& choice);
std::int64_t any_offset(Choice& choice);
std::int64_t any_length(Choice& choice);
std::int64_t any_mode(Choice& choice);
// Without setid bits where a view keeps none of files (owner=caller).
std::int64_t any_file_mode(Choice& choice);
std::int64_t any_uid(Choice& choice);

// Whole steps.
void choose_path(Choice& choice, Step& step);
void choose_directory(Choice& choice, Step& step);
void choose_path_and_mode(Choice& choice, Step& step);
void choose_slot(Choice& choice, Step& step);
void choose_nothing(Choice& choice, Step& step);
// a: offset, b: length
void choose_read(Choice& choice, Step& step);
void choose_write(Choice& choice, Step& step);

// The text that a write puts: the same for the same numbers.
std::string pattern(std::int64_t seed, std::size_t length);

}  // namespace differential
