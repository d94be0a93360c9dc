// Operations: all that an actor can do, one row each: how often, with which arguments, how it is
// done, and how it is written down. No state but constants.
#pragma once

#include <functional>
#include <span>

#include "actor.h"
#include "step.h"

namespace differential {

struct Choice;

struct Operation {
  const char* name;
  int weight;
  // As a system call: {p} path, {q} other path, {f} slot, {g} other slot, {d} directory, {t} text,
  // {v} value, {a} {b} {c} numbers, {A} {B} {C} the same in octal, {F} open flags.
  const char* form;
  void (*choose)(Choice&, Step&);
  // What came out of it, in words that can be compared.
  std::string (*perform)(Actor&, const Step&);
};

// The tables of the files operations_*.cpp.
std::span<const Operation> name_operations();
std::span<const Operation> file_operations();
std::span<const Operation> attribute_operations();
std::span<const Operation> xattr_operations();
// Of views that answer FS_IOC_GETFLAGS.
std::span<const Operation> flag_operations();

// One step as a system call.
std::string describe(const Step& step);

}  // namespace differential
