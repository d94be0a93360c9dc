#include <fcntl.h>

#include "look.h"
#include "operations.h"

namespace differential {

namespace {

std::string octal(std::int64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "0%llo", static_cast<unsigned long long>(number));
  return text;
}

std::string open_flags(std::int64_t flags) {
  struct Name {
    std::int64_t bits;
    const char* text;
  };
  static constexpr Name kNames[] = {
      {O_CREAT, "O_CREAT"},       {O_EXCL, "O_EXCL"},       {O_TRUNC, "O_TRUNC"},
      {O_APPEND, "O_APPEND"},     {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"},
      {O_NOFOLLOW, "O_NOFOLLOW"}, {O_SYNC, "O_SYNC"},       {O_DSYNC, "O_DSYNC"},
      {O_DIRECT, "O_DIRECT"},     {O_PATH, "O_PATH"},       {O_NOATIME, "O_NOATIME"},
  };
  static constexpr const char* kAccess[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
  std::string text = kAccess[flags & O_ACCMODE];
  for (const Name& name : kNames) {
    if ((flags & name.bits) != name.bits) continue;
    text += std::string("|") + name.text;
    flags &= ~name.bits;
  }
  return text;
}

std::string argument(char letter, const Step& s) {
  switch (letter) {
    case 'p':
      return quoted(s.path);
    case 'q':
      return quoted(s.other_path);
    case 't':
      return quoted(s.text);
    case 'v':
      return quoted(s.value);
    case 'f':
      return std::to_string(s.slot);
    case 'g':
      return std::to_string(s.other_slot);
    case 'd':
      return s.directory == kNoSlot ? "AT_FDCWD" : std::to_string(s.directory);
    case 'a':
      return std::to_string(s.a);
    case 'b':
      return std::to_string(s.b);
    case 'c':
      return std::to_string(s.c);
    case 'A':
      return octal(s.a);
    case 'F':
      return open_flags(s.b);
    default:
      return "?";
  }
}

}  // namespace

std::string describe(const Step& step) {
  std::string text;
  for (const char* at = step.operation->form; *at != '\0'; ++at) {
    if (at[0] == '{' && at[1] != '\0' && at[2] == '}') {
      text += argument(at[1], step);
      at += 2;
    } else {
      text += *at;
    }
  }
  return text;
}

}  // namespace differential
