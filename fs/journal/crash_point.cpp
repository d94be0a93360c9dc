#include "journal/crash_point.h"

#ifdef CVFS_CRASH_POINTS

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

namespace cvfs {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"received", "intent", "executed", "done",
                                                    "replied"};

struct Wish {
  CrashPoint point{};
  bool poison = false;
  unsigned one_in = 0;  // 0: never
  unsigned opcode = 0;  // 0: any
};

Wish read_wish() {
  std::string text;
  if (const char* path = std::getenv("CVFS_CRASH_FILE")) {
    std::getline(std::ifstream(path), text);
  } else if (const char* variable = std::getenv("CVFS_CRASH")) {
    text = variable;
  }
  Wish wish;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return wish;
  (void)std::sscanf(text.c_str() + colon, ":%u:%u", &wish.one_in, &wish.opcode);
  wish.poison = text.starts_with("poison");
  const auto* const name = std::ranges::find(kNames, std::string_view(text).substr(0, colon));
  wish.point =
      name == kNames.end() ? CrashPoint::kIntent : static_cast<CrashPoint>(name - kNames.begin());
  return wish;
}

thread_local std::uint32_t opcode_at_hand = 0;
thread_local bool is_spared = true;

}  // namespace

void begin_crash_points(std::uint32_t opcode, bool resent) {
  opcode_at_hand = opcode;
  is_spared = resent;
}

void crash_point(CrashPoint point) {
  // Workers are forked from a supervisor that never comes here: each reads it anew.
  static const Wish wish = read_wish();
  if (wish.one_in == 0 || point != wish.point) return;
  if (wish.opcode != 0 && wish.opcode != opcode_at_hand) return;
  if (wish.poison) std::raise(SIGSEGV);  // of this thread: it comes no further
  if (is_spared) return;
  thread_local std::minstd_rand random(std::random_device{}());
  if (std::uniform_int_distribution<unsigned>(1, wish.one_in)(random) == 1) {
    ::kill(::getpid(), SIGKILL);
  }
}

}  // namespace cvfs

#endif
